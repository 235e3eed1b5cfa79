"""Reasons as they are stored: whatever a server answered, they fit into their columns and can be read back."""

from hypothesis import given
from hypothesis import strategies as st

from commentsvc import i18n
from commentsvc.errors import MAX_STORED, Explained, reason_to_store

ANSWERS = st.text(max_size=2 * MAX_STORED)


@given(ANSWERS, ANSWERS, st.integers(100, 599))
def test_a_reason_fits_and_keeps_its_sentence(why: str, url: str, status: int) -> None:
    stored = Explained("%(url)s answers with %(status)s (%(why)s)", url=url, why=why, status=status).stored
    assert len(stored) <= MAX_STORED
    assert f" answers with {status} (" in i18n.stored_reason(stored)


def test_of_long_values_the_longest_is_cut() -> None:
    failure = Explained("%(program)s failed: %(why)s", program="pg_dump", why="connection refused " * 100)
    assert i18n.stored_reason(failure.stored).startswith("pg_dump failed: connection refused connection refused")


@given(ANSWERS)
def test_any_other_failure_fits(said: str) -> None:
    assert len(reason_to_store(ValueError(said))) <= MAX_STORED
