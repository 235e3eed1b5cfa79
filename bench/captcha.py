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

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bench import captcha_sound, captcha_training
from commentsvc.captcha import alphabet, image
from commentsvc.captcha.alphabet import LETTERS, means

PICTURES, CONTROLS = 300, 20
Reader = Callable[[bytes], str]
Picture = tuple[bytes, str]  # and what it shows


def main() -> None:
    """Draw, measure, and let every reader try every picture, prepared in several ways; the best way counts."""
    chance, style = random.Random(1), image.Style.of("bench")
    pictures, milliseconds = [], []
    for number in range(PICTURES):
        answer = "".join(chance.choices(alphabet.of("bench"), k=6))
        started = time.process_time()
        pictures.append((image.draw(answer, style, str(number).encode()), answer))
        milliseconds.append((time.process_time() - started) * 1000)
    largest = max(len(picture) for picture, _ in pictures)
    typical = statistics.median(milliseconds)
    print(f"captcha: {typical:.1f} ms CPU (median), {largest} bytes (largest) of {PICTURES} pictures")
    for name, reader in _readers():
        plain = sum(means(reader(_plainly(answer)), answer) for _, answer in pictures[:CONTROLS])
        print(f"{name}: {plain} of {CONTROLS} plain texts read, so it can read;")
        solved, letters, way = max(_tried(reader, way, pictures) for way in PREPARATIONS)
        print(f"    {solved / PICTURES:.1%} of pictures, {letters / PICTURES / 6:.0%} of letters, at best ({way})")
    captcha_sound.main()
    if "--train" in sys.argv:
        captcha_training.main()


def _tried(reader: Reader, way: str, pictures: list[Picture]) -> tuple[int, int, str]:
    """How many pictures and letters a reader gets right, when they are prepared in one way."""
    solved = letters = 0
    with ThreadPoolExecutor() as several:
        texts = several.map(lambda one: reader(PREPARATIONS[way](one[0])), pictures)
    for read, (_, answer) in zip(texts, pictures, strict=True):
        solved += means(read, answer)
        letters += sum(one == other for one, other in zip(read.upper(), answer, strict=False))
    return solved, letters, way


def _plainly(answer: str) -> bytes:
    sheet = Image.new("L", (image.WIDTH, 80), 255)
    ImageDraw.Draw(sheet).text((20, 10), answer, fill=0, font_size=48)
    return _png(sheet)


def _readers() -> Iterator[tuple[str, Reader]]:
    yield from _of_ddddocr()
    if program := shutil.which("tesseract"):
        for mode in ("7", "8"):
            yield f"tesseract, mode {mode}", lambda picture, mode=mode: _by_tesseract(program, picture, mode)


def _of_ddddocr() -> Iterator[tuple[str, Reader]]:
    try:
        import ddddocr
    except ImportError:
        return
    for name, is_beta in (("ddddocr", False), ("ddddocr, beta", True)):
        model = ddddocr.DdddOcr(beta=is_beta, show_ad=False)
        model.set_ranges(LETTERS + LETTERS.lower())
        yield name, lambda picture, model=model: _most_likely(model.classification(picture, probability=True))


def _most_likely(found: object) -> str:
    return found if isinstance(found, str) else str(found["text"])  # type: ignore[index]


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


if __name__ == "__main__":
    main()
