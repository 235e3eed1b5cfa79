"""Which language a text is in, told by its little words; and silence where they do not tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from commentsvc import i18n
from commentsvc.spam import languages

SAID = {
    "en": "I have read all of this and it is the best that you could say about it.",
    "de": "Ich habe das auch noch nicht gesehen, aber es ist für mich ein Rätsel, wie sich das entwickelt.",
    "fr": "Je ne sais pas si vous avez raison, mais les photos sont très belles et c’est plus clair pour nous.",
    "es": "No sé si esta es la mejor forma, pero muy buen artículo para los que no saben como hacerlo.",
    "it": "Non ho mai visto una cosa di questo genere, ma sono contento che il telefono è anche mio.",
    "nl": "Ik heb dit niet eerder gezien, maar het is ook voor mij een raadsel wat er nog van komt.",
    "pt": "Não sei se isso está certo, mas os meus amigos também são muito contentes com uma resposta.",
    "pl": "Nie wiem, czy to jest dobrze, ale bardzo mi się podoba tak jak tego dnia i przez to już wiem.",
    "cs": "Nevím, jestli je to dobře, ale moc se mi líbí, že jsem na to přišel a že už není tak pozdě.",
    "fi": "En tiedä, onko se niin, mutta minä olen sitä mieltä että tämä on hyvin tehty ja vain kun ei ole.",
    "tr": "Bu çok güzel bir yazı ama ben daha fazla resim için gelirim ve o kadar da değil.",
    "uk": "Я не знаю, чи це так, але мені дуже сподобалося, як він про це розповів, і що є ще.",
    "ru": "Я не знаю, так ли это, но мне очень понравилось, как он все это рассказал, и что еще.",
}


@pytest.mark.parametrize(("language", "text"), SAID.items())
def test_what_is_said(language: str, text: str) -> None:
    assert languages.guess(text) == language


def test_near_relatives_are_not_mistaken_for_strangers() -> None:
    assert languages.guess("Jag har inte sett det men det är mycket bra för mig att du är här") == "sv"
    assert languages.guess("Det er ikke af den grund at jeg er her, og så kan man meget") == "da"


@pytest.mark.parametrize("text", ["", "OK", "Thank you!", "Danke für den Tipp", "12 34 56", "?!"])
def test_little_is_said_of_little(text: str) -> None:
    assert languages.guess(text) is None


def test_every_language_that_we_speak_and_that_has_words_of_letters_is_known() -> None:
    of_other_scripts = {"ja", "zh", "ar", "fa", "he"}
    assert set(i18n.languages()) - of_other_scripts <= set(languages.STOP_WORDS)


@given(some.text(max_size=300))
def test_any_text_may_be_asked_about(text: str) -> None:
    assert languages.guess(text) in {None, *languages.STOP_WORDS}
