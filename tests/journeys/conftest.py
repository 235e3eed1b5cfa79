"""Journeys go through real servers, so real time passes."""

import pytest


@pytest.fixture(autouse=True)
def time() -> None:
    """The wall clock."""
