"""The picture of a challenge: letters on a steep path, part solid, part inverted, part outline.

Line readers collapse the height of a picture, so the path defeats them; one smooth field decides how strokes and
background are filled; a few scratches as thin as the outlines cannot be filtered out without the outlines.
"""

import hashlib
import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import font_roboto
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 348, 198  # pixels
COLUMNS, MARGIN = 3, 24  # pictures in a row of a sheet; pixels between them
DEJAVU = Path("/usr/share/fonts/truetype/dejavu")

Field = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Style:
    """How an installation draws. Lengths in pixels; the defaults are the measured style.

    ``climb`` is the path's amplitude as a part of the height; ``periods`` its waves across the picture; ``waves``
    the wavelengths of the field; ``solid`` the field value above which a stroke is filled.
    """

    climb: float = 0.30
    periods: tuple[float, float] = (1.0, 1.5)
    waves: tuple[float, float] = (45.0, 90.0)
    solid: float = 0.30
    slant: float = 13.0  # degrees
    shear: float = 0.18
    scratches: int = 3
    bend: float = 4.5
    mono: float = 0.33  # share of letters in the second font

    @classmethod
    def of(cls, secret: str) -> "Style":
        """The style of the installation with this secret: the measured one, moved a little in every parameter."""
        chance = random.Random(hashlib.sha256(f"captcha style {secret}".encode()).digest())
        return cls(
            climb=chance.uniform(0.27, 0.32),
            periods=(chance.uniform(0.95, 1.1), chance.uniform(1.3, 1.5)),
            waves=(chance.uniform(44, 52), chance.uniform(84, 96)),
            solid=chance.uniform(0.26, 0.34),
            slant=chance.uniform(10, 14),
            shear=chance.uniform(0.14, 0.2),
            bend=chance.uniform(3.5, 5.0),
            mono=chance.uniform(0.2, 0.45),
        )


def draw(answer: str, style: Style, seed: bytes) -> bytes:
    """A one-bit PNG of ``WIDTH`` × ``HEIGHT`` that shows ``answer``; the same ``seed`` gives the same picture."""
    chance = random.Random(seed)
    letters = np.asarray(_bent(_letters(answer, style, chance), style.bend, chance)) > 127
    ink = _filled(letters, _field(style, chance), style.solid)
    for _ in range(style.scratches):
        ink ^= _scratch(chance)
    return _png(ink)


def sheet(pictures: Sequence[bytes]) -> bytes:
    """Many pictures on one, ``COLUMNS`` in a row, as a PNG."""
    rows = math.ceil(len(pictures) / COLUMNS)
    whole = Image.new("1", (COLUMNS * (WIDTH + MARGIN) - MARGIN, rows * (HEIGHT + MARGIN) - MARGIN), 1)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        whole.paste(Image.open(io.BytesIO(picture)), (column * (WIDTH + MARGIN), row * (HEIGHT + MARGIN)))
    return _png(~np.asarray(whole))


def _letters(answer: str, style: Style, chance: random.Random) -> Image.Image:
    sheet = Image.new("L", (WIDTH, HEIGHT))
    periods, phase = chance.uniform(*style.periods), chance.uniform(0, math.tau)

    def height(x: float) -> float:
        return HEIGHT / 2 + style.climb * HEIGHT * math.sin(math.tau * periods * x / WIDTH + phase)

    for char, x in zip(answer, _equal_steps(height, len(answer)), strict=True):
        slope = math.degrees(math.atan((height(x + 4) - height(x - 4)) / 8))
        letter = _letter(char, -0.35 * slope + chance.uniform(-style.slant, style.slant), style, chance)
        place = (round(x - letter.width / 2), round(height(x) - letter.height / 2))
        sheet.paste(255, (max(-8, place[0]), place[1]), letter)
    return sheet


def _equal_steps(height: Callable[[float], float], count: int) -> Sequence[float]:
    """``count`` places along the path, equally far apart on it."""
    xs = np.linspace(34, WIDTH - 34, 200)
    ys = np.array([height(float(x)) for x in xs])
    walked = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(xs), np.diff(ys)))))
    return [float(x) for x in np.interp(np.linspace(0, walked[-1], count), walked, xs)]


def _letter(char: str, degrees: float, style: Style, chance: random.Random) -> Image.Image:
    font = _font(chance.random() < style.mono, chance.randrange(78, 91, 4))
    left, top, right, bottom = font.getbbox(char)
    image = Image.new("L", (int(right - left) + 24, int(bottom - top) + 24))
    ImageDraw.Draw(image).text((12 - left, 12 - top), char, fill=255, font=font)
    shear = chance.uniform(-style.shear, style.shear)
    scale = chance.uniform(0.92, 1.12)
    middle = image.height / 2
    image = image.transform(
        image.size, Image.Transform.AFFINE, (1 / scale, shear, -shear * middle, 0, 1, 0), Image.Resampling.BILINEAR
    )
    return image.rotate(degrees, Image.Resampling.BILINEAR, expand=True)


@lru_cache(maxsize=32)
def _font(mono: bool, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_font_file(mono)), size)


@lru_cache(maxsize=2)
def _font_file(mono: bool) -> Path:
    """DejaVu where the system has it (the measured one), else Roboto from its package."""
    preferred = DEJAVU / ("DejaVuSansMono-Bold.ttf" if mono else "DejaVuSans-Bold.ttf")
    fallback = font_roboto.font_files["RobotoBold" if mono else "RobotoBlack"]
    return preferred if preferred.is_file() else Path(fallback)


def _bent(image: Image.Image, amount: float, chance: random.Random) -> Image.Image:
    """The picture pulled about on a 10 × 6 mesh."""
    columns, rows = 10, 6
    xs = [round(WIDTH * column / columns) for column in range(columns + 1)]
    ys = [round(HEIGHT * row / rows) for row in range(rows + 1)]
    knots = {(x, y): (x + chance.uniform(-amount, amount), y + chance.uniform(-amount, amount)) for x in xs for y in ys}
    mesh = [
        ((left, top, right, low), (*knots[left, top], *knots[left, low], *knots[right, low], *knots[right, top]))
        for left, right in pairwise(xs)
        for top, low in pairwise(ys)
    ]
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _field(style: Style, chance: random.Random) -> Field:
    """The sum of four plane waves, scaled to one."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    total = np.zeros((HEIGHT, WIDTH))
    for _ in range(4):
        direction, phase = chance.uniform(0, math.tau), chance.uniform(0, math.tau)
        wave = math.tau / chance.uniform(*style.waves)
        total += np.sin(wave * (math.cos(direction) * x + math.sin(direction) * y) + phase)
    return total / 2


def _filled(letters: Mask, field: Field, solid: float) -> Mask:
    """Solid where the field is high, inverted where it is low, only the outline in between."""
    filled = letters & (field > solid)
    inverted = ~letters & (field < -solid)
    between = (field <= solid) & (field >= -solid)
    return filled | inverted | (_outline(letters) & between)


def _outline(letters: Mask) -> Mask:
    inner = letters.copy()
    inner[1:, :] &= letters[:-1, :]
    inner[:-1, :] &= letters[1:, :]
    inner[:, 1:] &= letters[:, :-1]
    inner[:, :-1] &= letters[:, 1:]
    outer = letters.copy()
    outer[1:, :] |= letters[:-1, :]
    outer[:, 1:] |= letters[:, :-1]
    return outer & ~inner


def _scratch(chance: random.Random) -> Mask:
    """A curved line from side to side, two pixels thick."""
    sheet = Image.new("1", (WIDTH, HEIGHT))
    start, middle, end = (chance.uniform(0.05, 0.95) * HEIGHT for _ in range(3))
    points = []
    for step in range(25):
        t = step / 24
        points.append((t * WIDTH, (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end))
    ImageDraw.Draw(sheet).line(points, fill=1, width=2)
    return np.asarray(sheet)


def _png(ink: Mask) -> bytes:
    output = io.BytesIO()
    Image.fromarray(~ink).save(output, "PNG", optimize=False)
    return output.getvalue()
