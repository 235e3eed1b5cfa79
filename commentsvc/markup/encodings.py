"""Decode bytes as browsers do: the decoders of the Encoding Standard, with the tables of Python's codecs.

Where those tables differ from the standard's, ``MEANT`` has the character that is meant. Python's decoders also differ
in what they make of bytes that fit nothing: browsers keep an ASCII character after half of another one, and never take
the rest of a text for something else.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, lru_cache

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
    "big5": str.maketrans("•､‾∼♁☉¥¢£", "‧﹑¯～⊕⊙￥￠￡"),
    "gb18030": str.maketrans(
        "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7"
        "\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
        "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f"
        "\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
    ),
}
# What Python's table of Big5 lacks: the bytes of the first character, and it with those that follow it.
BIG5_MORE = (
    "877a㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆"
    "㓦珄𥶹瓆鿇垳䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋 "
    "8e69箸 8e6f簆 8e7e糎 8eab緒 8eb4縝 8ecd者 8ed0耨 8f57菁 8f69蒨 8f6e萏 8fcb覦覩 8ffe起 906d都 907a銹 90dc靜 "
    "90f1響 91bf鼖 9244蔃 92af兙兛兝兞 92c8鍮 92d1瑹 9447浧 94ca禛 95d9邗 9644靝 96ed瀞 96fc嬨 9b76爁 9b78矗 9b7b纇 "
    "9bc6駖 9bde釔 9bec惞 9bf6澶 9c42輶 9c53侻 9c62營 9c68鄄 9c6b鷰 9c77菏 9cbc尐秣 9cd0婧 9d57輋 9d5a筑 9dc4拐 "
    "9ea9恢 9eef痹 9efd汊 9f60鬮 9f66鼗 9fcb僭 9fd8弌 a063蠏 a077拎 a0d5瑨 a0df煢 a0e4牐 "
    "a3c0␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟␡€ c6cf廴 c6d3无 c6d5癶 c6d7隶 c6de〃仝 fa5f倩 fa66偽 fabd包 fac5卄 fad5卿 "
    "fb48嘅 fbb8婷 fbf3幵 fbf9廐 fc4f彘 fc6c悤 fcb9撐 fce2晴 fcf1杞 fdb7沜渝 fdbb港 fdf1煮 fe52猪 fe6f瑜 feaa瓩 "
    "fedd砉"
)
BIG5_SLASHES = {b"\xa2\x41": "∕", b"\xa2\x42": "﹨"}  # in Python's table the same as A1FE and A240
FULL_WIDTH_TILDE = b"\x8f\xa2\xb7"  # ASCII's in Python's table; 8F is part of no other character
TRAIL_BEFORE_GAP, TRAIL_AFTER_GAP = 0x7E, 0xA1  # of the second bytes of Big5
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
    if name == "big5" and any(slash in raw for slash in BIG5_SLASHES):
        return _pairs(raw, name)
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
    if name == "big5" and some in (more := _big5_more()):
        return more[some]
    try:
        return some.decode(CODECS[name]).translate(MEANT[name])
    except UnicodeDecodeError:
        return ""


@cache
def _big5_more() -> Mapping[bytes, str]:
    chars = dict(BIG5_SLASHES)
    for run in BIG5_MORE.split(" "):
        lead, trail = bytes.fromhex(run[:4])
        for char in run[4:]:
            chars[bytes((lead, trail))] = char
            trail = TRAIL_AFTER_GAP if trail == TRAIL_BEFORE_GAP else trail + 1
    return chars


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
