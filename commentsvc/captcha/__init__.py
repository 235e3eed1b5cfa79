"""Challenges for strangers: a signed token, a picture that only people read, one try each."""
