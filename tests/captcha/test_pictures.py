"""Pictures and sounds by themselves: small, the same for the same seed, and in the installation's own style."""

import io
import wave
from itertools import combinations

import pytest
from PIL import Image

from commentsvc.captcha import alphabet, audio, image
from commentsvc.captcha.challenge import AUDIO_LANGUAGES

SECRETS = [f"installation {number}" for number in range(12)]


class TestTheStyle:
    """It comes from the secret, and from nothing else."""

    def test_it_is_the_same_for_the_same_secret_and_another_for_another(self) -> None:
        assert image.Style.of("one") == image.Style.of("one")
        assert len({image.Style.of(secret) for secret in SECRETS}) == len(SECRETS)

    def test_installations_differ_in_faces_and_letters(self) -> None:
        assert len({image.Style.of(secret).faces for secret in SECRETS}) > 4
        assert len({frozenset(alphabet.of(secret)) for secret in SECRETS}) > 4

    def test_there_are_answers_enough(self) -> None:
        for secret in SECRETS:
            assert len(set(alphabet.of(secret))) == alphabet.LETTERS_USED
            assert set(alphabet.of(secret)) <= set(alphabet.LETTERS)
        assert alphabet.LETTERS_USED**6 > 2**20


class TestThePicture:
    """What is drawn."""

    @pytest.mark.parametrize("secret", SECRETS)
    def test_it_is_small_and_holds_a_picture_only(self, secret: str) -> None:
        png = image.draw("AUPT69", image.Style.of(secret), b"seed")
        picture = Image.open(io.BytesIO(png))
        assert (picture.size, picture.mode) == ((image.WIDTH, image.HEIGHT), "1")
        assert picture.info == {}
        assert len(png) < 5_000

    def test_every_letter_stays_inside(self) -> None:
        """On white, without a field: no letter is cut off at an edge."""
        for secret in SECRETS:
            style = image.Style.of(secret)
            for number in range(5):
                chance = image.random.Random(number)
                letters = image._letters(alphabet.of(secret)[:6], style, chance)
                left, top, right, bottom = letters.getbbox()
                assert min(left, top) > 0
                assert right < image.WIDTH
                assert bottom < image.HEIGHT

    def test_a_seed_is_a_picture(self) -> None:
        style = image.Style.of("one")
        assert image.draw("AUPT69", style, b"1") == image.draw("AUPT69", style, b"1")
        assert image.draw("AUPT69", style, b"1") != image.draw("AUPT69", style, b"2")


@pytest.mark.parametrize("language", AUDIO_LANGUAGES)
class TestTheSound:
    """What is said."""

    @pytest.mark.parametrize("digit", "0123456789")
    def test_the_longest_is_short_enough(self, language: str, digit: str) -> None:
        sound = audio.speak(digit * 6, language, digit.encode())
        assert len(sound) <= 60_000
        with wave.open(io.BytesIO(sound)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 1, audio.RATE)

    def test_a_seed_is_a_sound(self, language: str) -> None:
        sounds = [
            audio.speak(digits, language, seed)
            for digits, seed in (("123456", b"1"), ("123456", b"2"), ("654321", b"1"))
        ]
        assert all(one != other for one, other in combinations(sounds, 2))
        assert audio.speak("123456", language, b"1") == sounds[0]

    def test_each_digit_has_many_voices(self, language: str) -> None:
        clips = audio._clips(language)
        assert sorted(clips) == list("0123456789")
        assert {len(voices) for voices in clips.values()} == {8}
