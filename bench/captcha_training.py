"""What it takes to learn an installation's pictures, and what that is worth at another one.

A small network with one output for each place, trained on pictures whose answers are known: the source is open, so
anybody can draw as many as they like. ``python -m bench.captcha --train`` (with torch; a quarter of an hour).
"""

import io
import random
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from commentsvc.captcha import alphabet, image

LABELS, TESTED, EPOCHS, BATCH = 10_000, 300, 6, 64
HOME, ELSEWHERE = "one", ("two", "three", "four", "five", "six")  # secrets of installations
SIZE = (98, 56)  # pixels that the network looks at
LENGTH = 6

Pictures = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def main() -> None:
    """Train on one installation, and try the rest."""
    import torch

    torch.manual_seed(1)
    with ProcessPoolExecutor() as several:
        learned = _drawn(several, HOME, "learned", LABELS)
        tests = {secret: _drawn(several, secret, "tested", TESTED) for secret in (HOME, *ELSEWHERE)}
    started = time.process_time()
    network = _trained(torch, learned)
    minutes = (time.process_time() - started) / 60
    rates = {secret: _solved(torch, network, pictures) for secret, pictures in tests.items()}
    others = [rates[secret] for secret in ELSEWHERE]
    print(
        f"trained on {LABELS} pictures of one installation, {minutes:.1f} minutes of CPU; of {TESTED} new pictures it"
    )
    print(f"solves {rates[HOME]:.1%} there, {np.mean(others):.1%} at {len(others)} others (worst {max(others):.1%})")


def _drawn(several: ProcessPoolExecutor, secret: str, purpose: str, count: int) -> Pictures:
    seeds = [f"{purpose} {number}" for number in range(count)]
    pairs = list(several.map(_picture, [secret] * count, seeds, chunksize=100))
    return np.stack([pixels for pixels, _ in pairs]), np.array([letters for _, letters in pairs])


def _picture(secret: str, seed: str) -> tuple[npt.NDArray[np.uint8], list[int]]:
    answer = random.Random(f"{secret} {seed}").choices(alphabet.of(secret), k=LENGTH)
    drawn = image.draw("".join(answer), image.Style.of(secret), seed.encode())
    small = Image.open(io.BytesIO(drawn)).convert("L").resize(SIZE, Image.Resampling.BILINEAR)
    return np.asarray(small), [alphabet.LETTERS.index(letter) for letter in answer]


def _network(torch: Any) -> Any:
    def block(inward: int, outward: int) -> list[Any]:
        return [torch.nn.Conv2d(inward, outward, 3, padding=1), torch.nn.BatchNorm2d(outward), torch.nn.ReLU()]

    halved = torch.nn.MaxPool2d(2)
    layers = [*block(1, 16), halved, *block(16, 32), *block(32, 32), halved, *block(32, 64), *block(64, 64), halved]
    layers += [*block(64, 96), *block(96, 96), torch.nn.Flatten(), torch.nn.Dropout(0.2)]
    outputs = LENGTH * len(alphabet.LETTERS)
    return torch.nn.Sequential(*layers, torch.nn.Linear(96 * (SIZE[0] // 8) * (SIZE[1] // 8), outputs))


def _trained(torch: Any, learned: Pictures) -> Any:
    network = _network(torch)
    pixels, letters = _tensors(torch, learned)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    steps = EPOCHS * -(-LABELS // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(LABELS).split(BATCH):
            optimizer.zero_grad()
            given = network(pixels[chosen]).view(-1, len(alphabet.LETTERS))
            torch.nn.functional.cross_entropy(given, letters[chosen].view(-1)).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def _solved(torch: Any, network: Any, pictures: Pictures) -> float:
    pixels, letters = _tensors(torch, pictures)
    with torch.no_grad():
        given = network(pixels).view(-1, LENGTH, len(alphabet.LETTERS)).argmax(2)
    return float((given == letters).all(1).float().mean())


def _tensors(torch: Any, pictures: Pictures) -> tuple[Any, Any]:
    pixels, letters = pictures
    return torch.tensor(pixels, dtype=torch.float32)[:, None] / 255 - 0.5, torch.tensor(letters)
