"""The picture of a challenge: letters on a steep path, part solid, part inverted, part outline.

OCR that reads by lines fails on the path. One smooth field decides how strokes and background are filled. A few
scratches are as thin as the outlines, so a filter that removes them removes the outlines.
"""

import hashlib
import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import font_caladea
import font_fredoka_one
import font_hanken_grotesk
import font_manrope
import font_roboto
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 348, 198  # pixels
SCRATCHES = 3  # as thin as the outlines; a fourth would hurt people more than programs
OUTLINE = 2  # pixels; thinner ones are lost in a background as fine as this
MAX_TILT = 26.0  # degrees of a letter's rotation; beyond, T and L are confused
EDGE = 6  # pixels between letters and the edge
COLUMNS, MARGIN = 3, 24  # pictures in a row of a sheet; pixels between them
FACES = {
    "Caladea-Bold": font_caladea.font_files["CaladeaBold"],
    "FredokaOne": font_fredoka_one.font_files["FredokaOne"],
    "HankenGrotesk-Bold": font_hanken_grotesk.font_files_otf["HankenGroteskBold"],
    "Manrope-ExtraBold": font_manrope.font_files["ManropeExtraBold"],
    "Roboto-Black": font_roboto.font_files["RobotoBlack"],
}

Field = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Style:
    """How an installation draws: a program trained on another one fails here.

    Lengths in pixels, angles in degrees. The path is a wave with ``periods`` across the picture and an overtone; the
    field that decides between solid, inverted and outline is made of plane ``waves`` that run roughly along ``grain``.
    """

    faces: tuple[str, str]
    climb: float  # the path's amplitude, as a fraction of the height
    periods: tuple[float, float]
    phase: tuple[float, float]  # where the wave begins
    overtone: float  # twice the frequency, as a fraction of the amplitude
    margin: float  # from the edge to the middle of the first and last letter
    size: tuple[int, int]
    slant: float
    follow: float  # how far a letter turns with its path
    shear: tuple[float, float]
    width: tuple[float, float]
    waves: tuple[float, float]
    grain: float
    spread: float
    solid: float  # the field value above which a stroke is filled
    scratches: int
    bend: float  # how much the picture is distorted

    @classmethod
    def of(cls, secret: str) -> "Style":
        """Return the style of the installation with this secret, within what people can read."""
        rng = random.Random(hashlib.sha256(f"captcha style {secret}".encode()).digest())
        faces = rng.sample(sorted(FACES), 2)
        fewest, shortest, lean = rng.uniform(0.75, 1.35), rng.uniform(26, 31), rng.uniform(-0.2, 0.2)
        broad, small, begin = rng.uniform(0.84, 0.96), rng.randrange(80, 85, 2), rng.uniform(0, math.tau)
        return cls(
            faces=(faces[0], faces[1]),
            climb=rng.uniform(0.24, 0.32),
            periods=(fewest, fewest + rng.uniform(0.15, 0.3)),
            phase=(begin, begin + math.pi),
            overtone=rng.uniform(-0.45, 0.45),
            margin=rng.uniform(44, 50),
            size=(small, small + 8),
            slant=rng.uniform(6, 14),
            follow=rng.uniform(0.0, 0.7),
            shear=(lean - 0.1, lean + 0.1),
            width=(broad, broad + 0.14),
            waves=(shortest, shortest + rng.uniform(6, 10)),
            grain=rng.uniform(0, 180),
            spread=rng.uniform(40, 180),
            solid=rng.uniform(0.2, 0.28),
            scratches=SCRATCHES,
            bend=rng.uniform(3.5, 6),
        )


def draw(answer: str, style: Style, seed: bytes) -> bytes:
    """Return a one-bit PNG of ``WIDTH`` × ``HEIGHT`` that shows ``answer``; equal ``seed``, equal picture."""
    rng = random.Random(seed)
    letters = np.asarray(_bent(_letters(answer, style, rng), style.bend, rng)) > 127
    ink = _filled(letters, _field(style, rng), style)
    for _ in range(style.scratches):
        ink ^= _scratch(rng)
    return _png(ink)


def sheet(pictures: Sequence[bytes]) -> bytes:
    """Return one PNG with many pictures, ``COLUMNS`` in a row."""
    rows = math.ceil(len(pictures) / COLUMNS)
    whole = Image.new("1", (COLUMNS * (WIDTH + MARGIN) - MARGIN, rows * (HEIGHT + MARGIN) - MARGIN), 1)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        whole.paste(Image.open(io.BytesIO(picture)), (column * (WIDTH + MARGIN), row * (HEIGHT + MARGIN)))
    return _png(~np.asarray(whole))


def _letters(answer: str, style: Style, rng: random.Random) -> Image.Image:
    sheet = Image.new("L", (WIDTH, HEIGHT))
    periods, phase = rng.uniform(*style.periods), rng.uniform(*style.phase)

    def height(x: float) -> float:
        turn = math.tau * periods * x / WIDTH + phase
        return HEIGHT / 2 + style.climb * HEIGHT * (math.sin(turn) + style.overtone * math.sin(2 * turn))

    for char, x in zip(answer, _equal_steps(height, len(answer), style.margin), strict=True):
        slope = math.degrees(math.atan((height(x + 4) - height(x - 4)) / 8))
        turn = -style.follow * slope + rng.uniform(-style.slant, style.slant)
        letter = _letter(char, min(max(turn, -MAX_TILT), MAX_TILT), style, rng)
        place = (_within(x, letter.width, WIDTH), _within(height(x), letter.height, HEIGHT))
        sheet.paste(255, place, letter)
    return sheet


def _within(middle: float, length: int, whole: int) -> int:
    """Return where a letter around ``middle`` begins so that it stays inside, even when bent."""
    return min(max(EDGE, round(middle - length / 2)), whole - length - EDGE)


def _equal_steps(height: Callable[[float], float], count: int, margin: float) -> Sequence[float]:
    """Return ``count`` places on the path, equally far apart."""
    xs = np.linspace(margin, WIDTH - margin, 200)
    ys = np.array([height(float(x)) for x in xs])
    cumulative = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(xs), np.diff(ys)))))
    return [float(x) for x in np.interp(np.linspace(0, cumulative[-1], count), cumulative, xs)]


def _letter(char: str, degrees: float, style: Style, rng: random.Random) -> Image.Image:
    font = _font(rng.choice(style.faces), rng.randrange(*style.size, 2))
    left, top, right, bottom = font.getbbox(char)
    image = Image.new("L", (int(right - left) + 24, int(bottom - top) + 24))
    ImageDraw.Draw(image).text((12 - left, 12 - top), char, fill=255, font=font)
    shear = rng.uniform(*style.shear)
    scale = rng.uniform(*style.width)
    middle = image.height / 2
    image = image.transform(
        image.size, Image.Transform.AFFINE, (1 / scale, shear, -shear * middle, 0, 1, 0), Image.Resampling.BILINEAR
    )
    turned = image.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    return turned.crop(turned.getbbox())


@lru_cache(maxsize=32)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font, scaled so that its capitals are 0.72 × ``size`` high."""
    _, top, _, bottom = ImageFont.truetype(FACES[face], 100).getbbox("H")
    return ImageFont.truetype(FACES[face], size * 72 / (bottom - top))


def _bent(image: Image.Image, amount: float, rng: random.Random) -> Image.Image:
    """Distort the picture on a 10 × 6 mesh."""
    columns, rows = 10, 6
    xs = [round(WIDTH * column / columns) for column in range(columns + 1)]
    ys = [round(HEIGHT * row / rows) for row in range(rows + 1)]
    knots = {(x, y): (x + rng.uniform(-amount, amount), y + rng.uniform(-amount, amount)) for x in xs for y in ys}
    mesh = [
        ((left, top, right, low), (*knots[left, top], *knots[left, low], *knots[right, low], *knots[right, top]))
        for left, right in pairwise(xs)
        for top, low in pairwise(ys)
    ]
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _field(style: Style, rng: random.Random) -> Field:
    """Return the sum of four plane waves, from -2 to 2."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    total = np.zeros((HEIGHT, WIDTH))
    for _ in range(4):
        direction = math.radians(style.grain + rng.uniform(-style.spread, style.spread) / 2)
        phase = rng.uniform(0, math.tau)
        wave = math.tau / rng.uniform(*style.waves)
        total += np.sin(wave * (math.cos(direction) * x + math.sin(direction) * y) + phase)
    return total / 2


def _filled(letters: Mask, field: Field, style: Style) -> Mask:
    """Return the letters, solid where the field is high, inverted where it is low, outlined in between."""
    filled = letters & (field > style.solid)
    inverted = ~letters & (field < -style.solid)
    between = np.abs(field) <= style.solid
    return filled | inverted | (_outline(letters) & between)


def _outline(letters: Mask) -> Mask:
    """Return the outline of the letters, about three pixels wide."""
    inner, outer = letters.copy(), letters.copy()
    for _ in range(OUTLINE):
        before = inner.copy()
        inner[1:, :] &= before[:-1, :]
        inner[:-1, :] &= before[1:, :]
        inner[:, 1:] &= before[:, :-1]
        inner[:, :-1] &= before[:, 1:]
    outer[1:, :] |= letters[:-1, :]
    outer[:, 1:] |= letters[:, :-1]
    return outer & ~inner


def _scratch(rng: random.Random) -> Mask:
    """Return a curved line from side to side, two pixels thick."""
    sheet = Image.new("1", (WIDTH, HEIGHT))
    start, middle, end = (rng.uniform(0.05, 0.95) * HEIGHT for _ in range(3))
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
