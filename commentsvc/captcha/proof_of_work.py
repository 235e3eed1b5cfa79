"""A computation as the answer of a challenge: a moment for one author, a cost for whoever sends thousands.

The protocol is ALTCHA's (version 2, PBKDF2 with SHA-256): the device counts until the derived key has the required
prefix. Each problem is bound to one challenge, which provides expiry and single use.
"""

import secrets
from typing import Any

import altcha

ALGORITHM = "PBKDF2/SHA-256"
COST = 5_000  # rounds per number tried
NUMBERS = (600, 1_200)  # how many numbers are tried, without earlier failures
MAX_DOUBLINGS = 4

Problem = dict[str, Any]  # as the protocol's JSON


def pose(challenge: str, failures: int, key: str) -> Problem:
    """Return a problem for one challenge, signed with ``key``; each of the first ``failures`` doubles the work."""
    least, most = (number * 2 ** min(failures, MAX_DOUBLINGS) for number in NUMBERS)
    counter = least + secrets.randbelow(most - least)
    posed = altcha.create_challenge(ALGORITHM, COST, counter=counter, data={"for": challenge}, hmac_secret=key)
    return posed.to_dict()


def is_solved(payload: str, challenge: str, key: str) -> bool:
    """Return whether ``payload`` (the protocol's, base64) solves the problem of this very challenge."""
    try:
        if not altcha.verify_solution(payload, key).verified:
            return False
        data = altcha.Payload.from_base64(payload).challenge.parameters.data or {}
    except (TypeError, ValueError, OverflowError):  # numbers sent in another type than the signed one
        return False
    return bool(data.get("for") == challenge)
