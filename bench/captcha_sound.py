"""The sound: how long it takes to speak, how large it is, and how often a program that knows the voices hears it right.

The listener is the classic one: cut where it is loud, describe each piece by the energy in bands of pitch, and take the
digit of the labelled pieces that are nearest.
"""

import io
import random
import statistics
import time
import wave
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from commentsvc.captcha import audio

SOUNDS, LESSONS = 300, 300  # to be heard; to learn from, of six digits each
FRAME, STEP = 256, 80  # samples
BANDS, SLICES, NEAREST = 20, 12, 5
DIGITS = 6

Samples = npt.NDArray[np.float64]


def main() -> None:
    """Speak, measure, and let the listener try: as it is, and without the babble, to show that it can hear."""
    milliseconds, largest = [], 0
    for number in range(SOUNDS):
        started = time.process_time()
        largest = max(largest, len(_spoken("heard", number)[0]))
        milliseconds.append((time.process_time() - started) * 1000)
    print(f"sound: {statistics.median(milliseconds):.1f} ms CPU (median), {largest} bytes (largest) of {SOUNDS}")
    for name, babble in (("without the babble", 0.0), ("as it is", audio.BABBLE)):
        solved, digits = _heard(babble)
        print(f"    {name}: {solved / SOUNDS:.0%} heard right, {digits / SOUNDS / DIGITS:.0%} of digits")


def _heard(babble: float) -> tuple[int, int]:
    """How many sounds and digits the listener gets right."""
    known, labels = [], []
    for number in range(LESSONS):
        sound, answer = _spoken("learned", number, babble)
        pieces = _pieces(_samples(sound))
        if len(pieces) == DIGITS:
            known += pieces
            labels += answer
    lessons, digits = np.stack(known), np.array(labels)
    whole = right = 0
    for number in range(SOUNDS):
        sound, answer = _spoken("heard", number, babble)
        guess = [_nearest(piece, lessons, digits) for piece in _pieces(_samples(sound))]
        whole += guess == list(answer)
        right += sum(one == other for one, other in zip(guess, answer, strict=False))
    return whole, right


def _spoken(purpose: str, number: int, babble: float = audio.BABBLE) -> tuple[bytes, str]:
    answer = "".join(random.Random(f"{purpose} {number}").choices("0123456789", k=DIGITS))
    return audio.speak(answer, "en", f"{purpose} {number}".encode(), babble), answer


def _samples(sound: bytes) -> Samples:
    with wave.open(io.BytesIO(sound)) as file:
        return np.frombuffer(file.readframes(10**6), np.uint8).astype(np.float64) - 128


def _pieces(sound: Samples) -> list[Samples]:
    """The six loudest stretches in their order, each as the same number of slices of bands."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP] * np.hanning(FRAME)
    spectrum = np.abs(np.fft.rfft(frames)) ** 2
    loud = np.convolve(spectrum.sum(1), np.ones(7) / 7, "same")
    is_loud = loud > np.quantile(loud, 0.5)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_loud.astype(int), [0]))))
    stretches = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda ends: -loud[ends[0] : ends[1]].sum())
    bands = _bands(spectrum)
    return [_sliced(bands[start:end]) for start, end in sorted(stretches[:DIGITS])]


def _bands(spectrum: Samples) -> Samples:
    pitches = np.fft.rfftfreq(FRAME, 1 / audio.RATE)
    edges = 700 * np.expm1(np.linspace(0, np.log1p(4000 / 700), BANDS + 1))
    inside = [(pitches >= low) & (pitches <= high) for low, high in pairwise(edges)]
    return np.stack([np.log(spectrum[:, band].sum(1) + 1) for band in inside], 1)


def _sliced(bands: Samples) -> Samples:
    places = np.linspace(0, len(bands) - 1, SLICES)
    piece = np.stack([np.interp(places, np.arange(len(bands)), band) for band in bands.T])
    return (piece - piece.mean()).ravel()


def _nearest(piece: Samples, lessons: Samples, labels: npt.NDArray[np.str_]) -> str:
    near = labels[np.argsort(((lessons - piece) ** 2).sum(1))[:NEAREST]]
    values, counts = np.unique(near, return_counts=True)
    return str(values[counts.argmax()])


if __name__ == "__main__":
    main()
