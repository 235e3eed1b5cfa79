"""Decode bytes as browsers do: the decoders of the Encoding Standard, with the tables of Python's codecs.

Where those tables differ from the standard's, ``MEANT`` has the character that is meant. Python's decoders also differ
in what they make of bytes that fit nothing: browsers keep an ASCII character after half of another one, and never take
the rest of a text for something else.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache

UNREADABLE = "\ufffd"
ESCAPE = 0x1B
SHIFTS = (0x0E, 0x0F)  # as unreadable as a lone escape
ESCAPES = {b"\x1b(B": "ascii", b"\x1b(J": "roman", b"\x1b(I": "katakana", b"\x1b$@": "pairs", b"\x1b$B": "pairs"}
ROMAN = {0x5C: "¥", 0x7E: "‾"}
CODECS = {"shift_jis": "cp932", "euc-jp": "euc_jp", "euc-kr": "cp949", "big5": "big5hkscs", "gb18030": "gb18030"}
MEANT: Mapping[str, Mapping[int, str | int]] = {
    "shift_jis": dict.fromkeys(range(0xF8F0, 0xF8F4), UNREADABLE),
    "euc-jp": str.maketrans("〜‖−¢£¬", "～∥－￠￡￢"),
    "euc-kr": {},
    "big5": str.maketrans("•､‾∼♁☉／＼¥¢£", "‧﹑¯～⊕⊙∕﹨￥￠￡"),
    "gb18030": str.maketrans(
        "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7"
        "\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
        "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f"
        "\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
    ),
}
FULL_WIDTH_TILDE = b"\x8f\xa2\xb7"  # ASCII's in Python's table; 8F is part of no other character
KOI8_U = str.maketrans("╝╬", "ўЎ")
POINT_OVER_VAV = 0xCA, "\u05ba"  # of windows-1255


def decode(raw: bytes, name: str) -> str:
    """Decode ``raw``, in one of ``CODECS`` or ISO-2022-JP, by the name that the standard has for it."""
    if name == "iso-2022-jp":
        return _iso_2022_jp(raw)
    if raw.isascii():
        return raw.decode("ascii")
    if name == "euc-jp":
        raw = raw.replace(FULL_WIDTH_TILDE, b"\xa1\xc1")
    with suppress(UnicodeDecodeError):
        return raw.decode(CODECS[name]).translate(MEANT[name])
    match name:
        case "gb18030":
            return _gb18030(raw)
        case "euc-jp":
            return _euc_jp(raw)
    return _pairs(raw, name)


def _pairs(raw: bytes, name: str) -> str:
    """Decode Big5, EUC-KR and Shift_JIS (12.3, 14.1 and 13.3 of the standard)."""
    out, at = [], 0
    while at < len(raw):
        alone = chr(raw[at]) if raw[at] < 0x80 else _alone(raw[at], name)
        if alone:
            out.append(alone)
            at += 1
        else:
            at = _pair(raw, at, lambda pair: _char(pair, name), out)
    return "".join(out)


def _alone(byte: int, name: str) -> str:
    if name != "shift_jis":
        return "" if 0x81 <= byte <= 0xFE else UNREADABLE
    if 0xA1 <= byte <= 0xDF:
        return chr(0xFF61 - 0xA1 + byte)
    return "\x80" if byte == 0x80 else UNREADABLE if byte in (0xA0, 0xFD, 0xFE, 0xFF) else ""


def _pair(raw: bytes, at: int, find: Callable[[bytes], str], out: list[str]) -> int:
    """Append the character of two bytes; return where to go on: after an unreadable one ASCII is kept."""
    pair = raw[at : at + 2]
    found = find(pair) if len(pair) > 1 else ""
    out.append(found or UNREADABLE)
    return at + (1 if not found and pair[-1] < 0x80 else 2)


@lru_cache(maxsize=65536)
def _char(some: bytes, name: str) -> str:
    """Return the character that these bytes are; empty if they are none."""
    try:
        return some.decode(CODECS[name]).translate(MEANT[name])
    except UnicodeDecodeError:
        return ""


def _gb18030(raw: bytes) -> str:
    """Decode GBK and GB18030 (10.2.1)."""
    out: list[str] = []
    at = 0
    while at < len(raw):
        if raw[at] <= 0x80 or raw[at] == 0xFF:
            out.append("€" if raw[at] == 0x80 else UNREADABLE if raw[at] == 0xFF else chr(raw[at]))
            at += 1
        elif at + 1 < len(raw) and 0x30 <= raw[at + 1] <= 0x39:
            four = raw[at : at + 4]
            fits = all(0x81 <= byte <= 0xFE for byte in four[2:3]) and all(0x30 <= byte <= 0x39 for byte in four[3:])
            out.append((_char(four, "gb18030") if fits and len(four) == 4 else "") or UNREADABLE)
            at += 4 if fits else 1
        else:
            at = _pair(raw, at, lambda pair: _char(pair, "gb18030"), out)
    return "".join(out)


def _euc_jp(raw: bytes) -> str:
    """Decode EUC-JP (13.1.1)."""
    out: list[str] = []
    at = 0
    while at < len(raw):
        byte, following = raw[at], raw[at + 1 : at + 2]
        if byte < 0x80:
            out.append(chr(byte))
            at += 1
        elif byte == 0x8F and b"\xa1" <= following <= b"\xfe":
            at = _pair(raw, at + 1, lambda pair: _char(b"\x8f" + pair, "euc-jp"), out)
        elif byte in (0x8E, 0x8F) or 0xA1 <= byte <= 0xFE:
            at = _pair(raw, at, _of_euc_jp, out)
        else:
            out.append(UNREADABLE)
            at += 1
    return "".join(out)


def _of_euc_jp(pair: bytes) -> str:
    if pair[0] == 0x8E:
        return chr(0xFF61 - 0xA1 + pair[1]) if 0xA1 <= pair[1] <= 0xDF else ""
    return _of_jis(pair[0] - 0x80, pair[1] - 0x80) if pair[1] >= 0xA1 else ""


def _of_jis(row: int, cell: int) -> str:
    """Return a character of JIS X 0208 with the additions of NEC and IBM, which Shift_JIS has in the same places."""
    row, cell = row - 0x20, cell - 0x20
    if not (1 <= row <= 94 and 1 <= cell <= 94):
        return ""
    lead = (row - 1) // 2 + (0x81 if row <= 62 else 0xC1)
    trail = cell + (0x3F if cell < 64 else 0x40) if row % 2 else cell + 0x9E
    return _char(bytes((lead, trail)), "shift_jis")


def _iso_2022_jp(raw: bytes) -> str:
    """Decode ISO-2022-JP (13.2.1)."""
    out: list[str] = []
    mode, has_escaped, at = "ascii", False, 0
    while at < len(raw):
        byte = raw[at]
        if byte == ESCAPE and raw[at : at + 3] in ESCAPES:
            mode = ESCAPES[raw[at : at + 3]]
            out += [UNREADABLE] * has_escaped  # twice without a character between
            has_escaped, at = True, at + 3
            continue
        has_escaped = False
        if mode == "pairs" and 0x21 <= byte <= 0x7E:
            pair = raw[at : at + 2]
            is_cut = len(pair) < 2 or pair[1] == ESCAPE
            out.append(UNREADABLE if is_cut else _of_jis(*pair) or UNREADABLE)
            at += 1 if is_cut else 2
        else:
            out.append(_in_mode(byte, mode))
            at += 1
    return "".join(out)


def _in_mode(byte: int, mode: str) -> str:
    if byte == ESCAPE or byte in SHIFTS or byte >= 0x80 or mode == "pairs":
        return UNREADABLE
    if mode == "katakana":
        return chr(0xFF61 - 0x21 + byte) if 0x21 <= byte <= 0x5F else UNREADABLE
    return ROMAN.get(byte, chr(byte)) if mode == "roman" else chr(byte)
