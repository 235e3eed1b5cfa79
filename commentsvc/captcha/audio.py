"""The sound of a challenge: six digits by changing voices, at changing pace, over a babble of speech run backwards.

White noise hides nothing from a program that knows the voices; speech does, and people follow a voice through it. The
clips are made by ``docs/voices.py``.
"""

import io
import random
import wave
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8_000  # samples a second, one byte each
MAX_LENGTH = 7.3  # seconds, so that a sound stays below 60 kB
LEAD = (0.3, 0.6)  # seconds of babble before the first digit and after the last
GAPS = (0.25, 0.55)  # seconds between digits
PACE = (0.88, 1.14)  # how fast a clip is played
BABBLE = (
    1.3  # loudness relative to the digits: 2 dB louder, at which the speech recogniser fails (bench/captcha_sound.py)
)
BABBLE_INTERVAL = 0.12  # seconds from one voice of the babble to the next
VOICES = Path(__file__).parent / "voices"

Samples = npt.NDArray[np.float32]


def speak(digits: str, language: str, seed: bytes, babble: float = BABBLE) -> bytes:
    """Return a WAV file that says ``digits`` in a language of ``VOICES``; equal ``seed``, equal sound."""
    rng = random.Random(seed)
    clips = _clips(language)
    spoken = [_at_pace(rng.choice(clips[digit]), rng) for digit in digits]
    silences = _silences(len(spoken), sum(len(clip) for clip in spoken), rng)
    speech = np.concatenate([part for pair in zip(silences, [*spoken, silences[-1][:0]], strict=True) for part in pair])
    noise = _babble(len(speech), [clip for voices in clips.values() for clip in voices], rng)
    return _wav(speech + noise * babble * _loudness(np.concatenate(spoken)) / _loudness(noise))


@lru_cache(maxsize=8)
def _clips(language: str) -> dict[str, list[Samples]]:
    """Return the clips of each digit, equally loud."""
    clips: dict[str, list[Samples]] = {}
    with np.load(VOICES / f"{language}.npz") as file:
        for name in file.files:
            clip = file[name].astype(np.float32)
            clips.setdefault(name[0], []).append(clip / _loudness(clip))
    return clips


def _at_pace(clip: Samples, rng: random.Random) -> Samples:
    """Return a clip at a changing pace, so that no two have the same samples."""
    start, end = rng.uniform(*PACE), rng.uniform(*PACE)
    length = round(len(clip) / ((start + end) / 2))
    cumulative = np.cumsum(np.linspace(start, end, length))
    positions = cumulative * (len(clip) - 1) / cumulative[-1]
    return np.asarray(np.interp(positions, np.arange(len(clip)), clip), np.float32)


def _silences(count: int, taken: int, rng: random.Random) -> Sequence[Samples]:
    """Return the silences around ``count`` clips, shorter if the whole would become too long."""
    seconds = [rng.uniform(*LEAD), *(rng.uniform(*GAPS) for _ in range(count - 1)), rng.uniform(*LEAD)]
    shrink = min(1, (MAX_LENGTH * RATE - taken) / (sum(seconds) * RATE))
    return [np.zeros(int(one * shrink * RATE), np.float32) for one in seconds]


def _babble(length: int, clips: Sequence[Samples], rng: random.Random) -> Samples:
    """Return backward speech of many voices, all the way through."""
    noise = np.zeros(length, np.float32)
    start = -RATE // 2
    while start < length:
        clip = rng.choice(clips)[::-1]
        begin, end = max(0, start), min(length, start + len(clip))
        if begin < end:
            noise[begin:end] += clip[begin - start : end - start]
        start += int(rng.uniform(0.5, 1.5) * BABBLE_INTERVAL * RATE)
    return noise


def _loudness(sound: npt.NDArray[np.float32]) -> np.float32:
    return np.float32(np.sqrt(np.mean(sound**2)))


def _wav(sound: Samples) -> bytes:
    output = io.BytesIO()
    with wave.open(output, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes((sound / np.abs(sound).max() * 126 + 128).astype(np.uint8).tobytes())
    return output.getvalue()
