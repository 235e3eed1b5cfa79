"""The picture: how long it takes to draw, how large it is, and how often programs that anybody can get read it.

``pip install -e .[bench]`` brings ddddocr; tesseract is Debian's package tesseract-ocr. What is missing is left out.
With ``--train`` also what a network learns of one installation, and what that is worth at others.
"""

import io
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bench import captcha_sound, captcha_training
from commentsvc.captcha import alphabet, image
from commentsvc.captcha.alphabet import LETTERS, matches

PICTURES, CONTROLS = 600, 20
INSTALLATIONS = 60  # that they are of
SIFTED = 60  # pictures that every way is tried on; the BEST of them are tried on all
BEST = 3
Reader = Callable[[list[bytes]], str]  # of the parts of one picture
Picture = tuple[bytes, str]  # and what it shows
Step = tuple[np.ndarray, float]  # how likely each letter is at one place of a line, and none


def main() -> None:
    """Draw, measure, and let every reader try the pictures, prepared in several ways; the best way counts."""
    chance = random.Random(1)
    pictures, milliseconds = [], []
    for number in range(PICTURES):
        secret = f"bench {number % INSTALLATIONS}"
        answer, style = "".join(chance.choices(alphabet.of(secret), k=6)), image.Style.of(secret)
        started = time.process_time()
        pictures.append((image.draw(answer, style, str(number).encode()), answer))
        milliseconds.append((time.process_time() - started) * 1000)
    largest = max(len(picture) for picture, _ in pictures)
    typical = statistics.median(milliseconds)
    print(f"captcha: {typical:.1f} ms CPU (median), {largest} bytes (largest) of {PICTURES} pictures")
    for name, reader in _readers():
        plain = sum(matches(reader([_plainly(answer)]), answer) for _, answer in pictures[:CONTROLS])
        print(f"{name}: {plain} of {CONTROLS} plain texts read, so it can read;")
        ways = [(way, cut) for way in PREPARATIONS for cut in (CUTS if name.startswith("ddddocr") else ["whole"])]
        ways.sort(key=lambda way: _tried(reader, *way, pictures[:SIFTED]), reverse=True)
        for way, cut in ways[:BEST]:
            solved, letters = _tried(reader, way, cut, pictures)
            print(f"    {solved / PICTURES:.1%} of pictures, {letters / PICTURES / 6:.0%} of letters ({way}, {cut})")
    captcha_sound.main()
    if "--train" in sys.argv:
        captcha_training.main()


def _tried(reader: Reader, way: str, cut: str, pictures: list[Picture]) -> tuple[int, int]:
    """How many pictures and letters a reader gets right, when they are prepared and cut in one way."""
    solved = letters = 0
    with ThreadPoolExecutor() as several:
        texts = several.map(lambda one: reader(CUTS[cut](PREPARATIONS[way](one[0]))), pictures)
    for read, (_, answer) in zip(texts, pictures, strict=True):
        solved += matches(read, answer)
        letters += sum(one == other for one, other in zip(read.upper(), answer, strict=False))
    return solved, letters


def _plainly(answer: str) -> bytes:
    sheet = Image.new("L", (image.WIDTH, 80), 255)
    ImageDraw.Draw(sheet).text((20, 10), answer, fill=0, font_size=48)
    return _png(sheet)


def _readers() -> Iterator[tuple[str, Reader]]:
    yield from _of_ddddocr()
    if program := shutil.which("tesseract"):
        for mode in ("7", "8"):
            yield f"tesseract, mode {mode}", lambda parts, mode=mode: _by_tesseract(program, parts[0], mode)


def _of_ddddocr() -> Iterator[tuple[str, Reader]]:
    try:
        import ddddocr
    except ImportError:
        return
    for name, is_beta in (("ddddocr", False), ("ddddocr, beta", True)):
        model = ddddocr.DdddOcr(beta=is_beta, show_ad=False)
        model.set_ranges(LETTERS + LETTERS.lower())
        yield name, lambda parts, model=model: _most_likely([_line(model, part) for part in parts])


def _line(model: Any, part: bytes) -> list[Step]:
    """What a model takes each place of a line for."""
    found = model.classification(part, probability=True)
    likely = np.asarray(found["probabilities"], dtype=float).reshape(len(found["probabilities"]), -1)
    places = [[at for at, char in enumerate(found["charset"]) if char.upper() == letter] for letter in LETTERS]
    return [(np.array([step[place].max() for place in places]), float(step[0])) for step in likely]


def _most_likely(lines: list[list[Step]]) -> str:
    """The text of all lines laid over each other: at each place, the letter that any of them is surest of."""
    read, before = "", None
    for steps in zip(*lines, strict=False):
        letters = np.max([letters for letters, _ in steps], axis=0)
        none = min(none for _, none in steps)
        letter = LETTERS[int(letters.argmax())] if letters.max() > none else None
        if letter and letter != before:
            read += letter
        before = letter
    return read


def _by_tesseract(program: str, picture: bytes, mode: str) -> str:
    options = ("--psm", mode, "-c", f"tessedit_char_whitelist={LETTERS}")
    run = [program, "stdin", "stdout", *options]
    return subprocess.run(run, input=picture, capture_output=True, check=False).stdout.decode("utf-8", "replace")


def _changed(picture: bytes, change: Callable[[Image.Image], Image.Image]) -> bytes:
    return _png(change(Image.open(io.BytesIO(picture)).convert("L")))


def _png(picture: Image.Image) -> bytes:
    output = io.BytesIO()
    picture.save(output, "PNG")
    return output.getvalue()


def _edges(grey: Image.Image) -> Image.Image:
    return ImageOps.invert(grey.filter(ImageFilter.FIND_EDGES))


def _filled(grey: Image.Image) -> Image.Image:
    """Edges, grown until they close."""
    return _edges(grey).filter(ImageFilter.MinFilter(5)).filter(ImageFilter.MedianFilter(5))


PREPARATIONS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda picture: picture,
    "inverted": lambda picture: _changed(picture, ImageOps.invert),
    "blurred": lambda picture: _changed(picture, lambda grey: grey.filter(ImageFilter.GaussianBlur(2))),
    "edges": lambda picture: _changed(picture, _edges),
    "edges closed": lambda picture: _changed(picture, _filled),
    "without thin lines": lambda picture: _changed(picture, lambda grey: grey.filter(ImageFilter.MedianFilter(5))),
    "small": lambda picture: _changed(picture, lambda grey: grey.resize((174, 99), Image.Resampling.LANCZOS)),
}


def _rows(picture: bytes, count: int, part: float) -> list[bytes]:
    """Overlapping rows, each ``part`` of the height: a reader of lines sees larger letters in each."""
    grey = Image.open(io.BytesIO(picture)).convert("L")
    height = int(grey.height * part)
    tops = [round(number * (grey.height - height) / (count - 1)) for number in range(count)]
    return [_png(grey.crop((0, top, grey.width, top + height))) for top in tops]


def _along_the_path(picture: bytes, height: int = 130) -> list[bytes]:
    """A band that follows the middle of what is drawn, made straight."""
    grey = Image.open(io.BytesIO(picture)).convert("L")
    ink = np.asarray(grey.filter(ImageFilter.FIND_EDGES), dtype=float)
    near = np.ones(41)
    middle = np.convolve((ink * np.arange(ink.shape[0])[:, None]).sum(0), near, "same")
    middle /= np.convolve(ink.sum(0), near, "same") + 1e-6
    room = np.pad(np.asarray(grey), ((height, height), (0, 0)), constant_values=255)
    tops = middle.astype(int) + height - height // 2
    return [_png(Image.fromarray(np.stack([room[top : top + height, x] for x, top in enumerate(tops)], axis=1)))]


CUTS: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": lambda picture: [picture],
    "two rows": lambda picture: _rows(picture, 2, 0.6),
    "three rows": lambda picture: _rows(picture, 3, 0.5),
    "along the path": _along_the_path,
}


if __name__ == "__main__":
    main()
