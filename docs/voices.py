"""Have the digits of the sound challenge spoken by Debian's espeak-ng, and keep them in ``commentsvc/captcha/voices``.

Run it where espeak-ng is installed (made with 1.51): ``python docs/voices.py``. Each language becomes one file of
numpy arrays named ``3-f1``: the digit, the voice; 8,000 samples a second, one signed byte each. Two in German is "zwo",
as on the telephone, since "zwei" sounds like "drei". espeak-ng's licence (GPL-3) is about the program, not about what
it says.
"""

import io
import subprocess
import sys
import wave

import numpy as np
import numpy.typing as npt

from commentsvc.captcha.audio import RATE, VOICES

QUIET = 0.02  # of the loudest: what is below at either end is silence
SPEAKERS = ("m1", "m3", "m4", "m7", "f1", "f2", "f4", "f5")
LANGUAGES = {
    "en": ("en-us", ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")),
    "de": ("de", ("null", "eins", "zwo", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")),
}

Samples = npt.NDArray[np.float64]


def main() -> None:
    """Write one file for each language."""
    VOICES.mkdir(exist_ok=True)
    for language, (accent, words) in LANGUAGES.items():
        clips = {
            f"{digit}-{who}": _spoken(word, f"{accent}+{who}") for digit, word in enumerate(words) for who in SPEAKERS
        }
        path = VOICES / f"{language}.npz"
        np.savez_compressed(path, **{name: _bytes(clip) for name, clip in clips.items()})
        seconds = sum(len(clip) for clip in clips.values()) / RATE
        sys.stdout.write(f"{path.name}: {len(clips)} clips, {seconds:.0f} s, {path.stat().st_size // 1000} kB\n")


def _spoken(word: str, voice: str) -> Samples:
    run = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", word]
    with wave.open(io.BytesIO(subprocess.run(run, capture_output=True, check=True).stdout)) as sound:
        heard, rate = np.frombuffer(sound.readframes(10**7), np.int16).astype(np.float64), sound.getframerate()
    loud = np.flatnonzero(np.abs(heard) > QUIET * np.abs(heard).max())
    return _resampled(heard[loud[0] : loud[-1] + 1], rate)


def _resampled(heard: Samples, rate: int) -> Samples:
    """At ``RATE``, without the tones above what that can hold."""
    spectrum = np.fft.rfft(heard)
    length = round(len(heard) * RATE / rate)
    kept = spectrum[: length // 2 + 1]
    return np.fft.irfft(kept, length) / np.sqrt(np.mean(heard**2))


def _bytes(clip: Samples) -> npt.NDArray[np.int8]:
    return np.asarray(np.round(clip / np.abs(clip).max() * 127), np.int8)


if __name__ == "__main__":
    main()
