"""How long a picture takes to draw, and how large it is."""

import random
import statistics
import time

from commentsvc.captcha import image
from commentsvc.captcha.alphabet import ALPHABET

PICTURES = 200


def main() -> None:
    """Draw and print."""
    chance, style = random.Random(1), image.Style.of("bench")
    milliseconds, sizes = [], []
    for number in range(PICTURES):
        answer = "".join(chance.choices(ALPHABET, k=6))
        started = time.process_time()
        picture = image.draw(answer, style, str(number).encode())
        milliseconds.append((time.process_time() - started) * 1000)
        sizes.append(len(picture))
    typical = statistics.median(milliseconds)
    print(f"captcha: {typical:.1f} ms CPU (median), {max(sizes)} bytes (largest) of {PICTURES} pictures")


if __name__ == "__main__":
    main()
