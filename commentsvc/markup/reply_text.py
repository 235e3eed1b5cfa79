"""Extract what somebody typed into a reply by email, without quotes and signature.

Mail programs word "On Monday somebody wrote" in a hundred ways; it always stands right before the quote and ends with a
colon. Time is linear in the number of lines.
"""

import re
from itertools import pairwise

SIGNATURE = re.compile(r"--\s?|[_-]{20,}")
FROM_A_PHONE = re.compile(
    r"(Sent from (my|Mail|Yahoo|Proton|Outlook)|Get Outlook for|Von meinem \S+ (\S+ )?gesendet|Gesendet (von|mit) "
    r"|Envoyé (de|depuis) |Enviado (desde|do|de) |Inviato da|Verzonden vanaf|Skickat från|Sendt fra|Lähetetty "
    r"|Wysłane z|Odesláno |iPhoneから送信|从我的)[^\n]{0,80}"
)
HEADER = re.compile(r"\*?[^\W\d_][\w -]{0,20}:\*? .+")  # "From: …", in whatever language
DASHES = re.compile("[\u2010-\u2015\u2212?](?=[ -]|$)")
SEPARATOR = re.compile(r"[-_=]{3,}.*")
MIN_HEADERS = 3
MAX_ATTRIBUTION_LENGTH = 3  # lines


def reply_text(text: str, marker: str) -> str:
    """Return the typed part of ``text``; the quoted email has ``marker`` near its top."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").split("\n")
    begins = f"{_plain_dashes(marker)} "
    marks = [number for number, line in enumerate(lines) if begins in _plain_dashes(line)]
    above = _own_lines(lines[: marks[0]]) if marks else []
    return "\n".join(above or _own_lines(lines)).strip()


def _plain_dashes(line: str) -> str:
    """Return the line with ``-`` for dashes and without ``✂``, as mail programs without Unicode write it."""
    return DASHES.sub("-", line.replace("✂", "").strip())


def _own_lines(lines: list[str]) -> list[str]:
    lines = _without_signature(_without_headers(_without_attribution(lines)))
    return [line.rstrip() for line in lines if not _is_quoted(line)]


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _without_attribution(lines: list[str]) -> list[str]:
    """Remove the sentence that introduces a quote, before it or at the end."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    introduces = {
        one for one, following in pairwise(filled) if _is_quoted(lines[following]) and not _is_quoted(lines[one])
    }
    if filled and not _is_quoted(lines[filled[-1]]):
        introduces.add(filled[-1])
    unwanted = {number for last in introduces for number in _attribution(lines, last)}
    return [line for number, line in enumerate(lines) if number not in unwanted]


def _attribution(lines: list[str], last: int) -> set[int]:
    """Return the lines of a sentence that ends at ``last`` with a colon and contains a time or an address."""
    if not lines[last].rstrip().endswith((":", "：")):
        return set()
    first = last
    while not _is_whole(lines[first : last + 1]) and last - first < MAX_ATTRIBUTION_LENGTH - 1:
        if first == 0 or not lines[first - 1].strip():
            break
        first -= 1
    return set(range(first, last + 1)) if _names(lines[first : last + 1]) else set()


def _is_whole(lines: list[str]) -> bool:
    """Return whether the sentence begins on the first of these lines: an address may be broken in two."""
    line = " ".join(lines)
    return _names(lines) and line.count(">") <= line.count("<")


def _names(lines: list[str]) -> bool:
    line = " ".join(lines)
    return any(char.isdigit() for char in line) and ("<" in line or "@" in line or "," in line or len(line) > 20)


def _without_headers(lines: list[str]) -> list[str]:
    """Remove the block of headers that some programs put above a quote, and everything below."""
    run = 0
    for number, line in enumerate(lines):
        run = run + 1 if HEADER.fullmatch(line.strip()[:200]) else 0
        if run == MIN_HEADERS and any("@" in header for header in lines[number - run + 1 : number + 1]):
            end = number - run + 1
            while end and (not lines[end - 1].strip() or SEPARATOR.fullmatch(lines[end - 1].strip())):
                end -= 1
            return lines[:end]
    return lines


def _without_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if SIGNATURE.fullmatch(line) or FROM_A_PHONE.fullmatch(line.strip()):
            return lines[:number]
    return lines
