"""The 73 examples of the markup, what it understands of Markdown, and what must hold for any text."""

import re
import time
from html import unescape
from html.parser import HTMLParser
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commentsvc.characters import BIDI_CONTROLS, CONTROLS
from commentsvc.markup import sanitize, smilies
from commentsvc.markup.render import render, render_for_email
from commentsvc.markup.sanitize import clean

REL = ' rel="ugc nofollow noopener"'


def smiley(code: str) -> str:
    return smilies.picture(code)


def link(url: str, shown: str | None = None) -> str:
    return f'<a href="{url}"{REL}>{shown or url}</a>'


def labelled(url: str, words: str, host: str) -> str:
    return f'<a href="{url}"{REL} title="{host}">{words}</a>'


def strong(text: str) -> str:
    return f"<strong>{text}</strong>"


def u(text: str) -> str:
    return f"<u>{text}</u>"


SMILE, WINK, COOL, TONGUE, CRY = (smiley(code) for code in (":-)", ";-)", "8-)", ":-P", ":'("))

# number of the example, what is typed, what readers see (None: exactly what was typed, escaped)
EXAMPLES = [
    (1, "Ein *wort* hier", f"Ein {strong('wort')} hier"),
    (2, "ein _wort_ hier", f"ein {u('wort')} hier"),
    (3, "*wort*", strong("wort")),
    (4, "_wort_", u("wort")),
    (5, "Das ist *wichtig*.", f"Das ist {strong('wichtig')}."),
    (6, "Hallo _wort_!", f"Hallo {u('wort')}!"),
    (7, "(siehe *hier*)", f"(siehe {strong('hier')})"),
    (8, "„*Zitat*“", f"„{strong('Zitat')}“"),
    (9, "*a*, *b* und *c*.", f"{strong('a')}, {strong('b')} und {strong('c')}."),
    (10, "*zwei worte*", strong("zwei worte")),
    (11, "*Übergröße*", strong("Übergröße")),
    (12, "für _Ärger_ übrig", f"für {u('Ärger')} übrig"),
    (13, "Kolleg*innen und Leser*innen", None),
    (14, "Schüler_innen und Lehrer_innen", None),
    (15, "C*-Algebra und C*-Modul", None),
    (16, "Wort*teil*", None),
    (16, "*Wort*s", None),
    (17, "*wort*-Teil", f"{strong('wort')}-Teil"),
    (18, "日本*語*", f"日本{strong('語')}"),
    (18, "这是*重点*API的说明", f"这是{strong('重点')}API的说明"),
    (18, "在iPhone**上**看", f"在iPhone{strong('上')}看"),
    (18, "*中文*English*中文*", f"{strong('中文')}English{strong('中文')}"),
    (18, "见文件_名称_v2", None),
    (18, "日本 *語* 本", f"日本 {strong('語')} 本"),
    (19, "a*b*c", None),
    (19, "2*3*4", None),
    (20, "*a*b*", strong("a*b")),
    (21, "2 * 3 * 4", None),
    (22, "* eins\n* zwei", "* eins<br>* zwei"),
    (23, "* wort *", None),
    (23, "* *", None),
    (24, "rm *.o *.a", None),
    (25, "/* kommentar */", None),
    (26, "f(x) *= 2; y *= 3", None),
    (27, "**fett**", strong("fett")),  # as everybody types it elsewhere
    (27, "***x***", None),
    (27, "**/*.py", None),
    (28, "__init__", None),
    (29, "x __init__ y", None),
    (30, "snake_case_name", None),
    (30, "foo_ und _bar", None),
    (31, "self._a und self._b", None),
    (32, "die Datei _init_ hier", f"die Datei {u('init')} hier"),
    (33, "*offen", None),
    (33, "zu*", None),
    (33, "5*", None),
    (33, "a _b c", None),
    (34, "*wort *nicht*", f"*wort {strong('nicht')}"),
    (35, "*a**b*", strong("a**b")),
    (36, r"\*kein\*", "*kein*"),
    (36, r"\_kein\_", "_kein_"),
    (37, r"*a\*b*", strong("a*b")),
    (38, r"C:\temp\neu", None),
    (39, r"¯\_(ツ)_/¯", "¯_(ツ)_/¯"),
    (40, "*mit _unter_ strich*", strong(f"mit {u('unter')} strich")),
    (41, "das _a *b_ c* d", f"das {u('a *b')} c* d"),
    (42, "*a _b* c_ d", f"{strong('a _b')} c_ d"),
    (43, "*mehr\nzeilig*", "*mehr<br>zeilig*"),
    (44, "*a*\n*b*", f"{strong('a')}<br>{strong('b')}"),
    (44, "_a_ _b_", f"{u('a')} {u('b')}"),
    (45, "http://a.de/b_c_d", link("http://a.de/b_c_d")),
    (46, "https://example.org/*x*/y", link("https://example.org/*x*/y")),
    (
        47,
        "siehe https://de.wikipedia.org/wiki/Foo_(bar).",
        f"siehe {link('https://de.wikipedia.org/wiki/Foo_(bar)')}.",
    ),
    (48, "*https://example.org/a_b*", strong(link("https://example.org/a_b"))),
    (49, "_http://a.de/x_y_", u(link("http://a.de/x_y"))),
    (50, "max_muster_@example.org", None),
    (51, "@user@mastodon.social", None),
    (52, "foo@bar@baz", None),
    (52, "x^2^", None),
    (52, "#copy#", None),
    (53, "x<y und *z*", f"x&lt;y und {strong('z')}"),
    (54, "<b>x</b> *y*", f"&lt;b&gt;x&lt;/b&gt; {strong('y')}"),
    (55, "*<img src=x onerror=alert(1)>*", strong("&lt;img src=x onerror=alert(1)&gt;")),
    (56, 'http://x/"onmouseover="a', f'{link("http://x/")}"onmouseover="a'),
    (57, "AT&T *und* Co", f"AT&amp;T {strong('und')} Co"),
    (57, "&amp; bleibt", "&amp;amp; bleibt"),
    (58, "it's *ok*", f"it's {strong('ok')}"),
    (58, "*🙂 ok*", strong("🙂 ok")),
    (59, "\x01x\x01", "x"),
    (60, ":-)", SMILE),
    (60, "Hallo :-)", f"Hallo {SMILE}"),
    (60, ":-).", f"{SMILE}."),
    (60, ":-))", f"{SMILE})"),
    (61, "Hallo:-)", None),
    (61, "ok:)", None),
    (61, "a :-)b", None),
    (62, "Toll! :-) :-)", f"Toll! {SMILE} {SMILE}"),
    (63, ":-) ;-)", f"{SMILE} {WINK}"),
    (63, ":-):-)", None),
    (64, "(:-))", f"({SMILE})"),
    (64, "ok :-), ja", f"ok {SMILE}, ja"),
    (65, "Punkt 8)", None),
    (65, "(siehe 8)", None),
    (66, "8-)", COOL),
    (66, ":-P", TONGUE),
    (66, ":-p", None),
    (66, ":-o", None),
    (67, "12:Dx", None),
    (67, "std::O", None),
    (67, "12:30", None),
    (68, "http://x.de/:-)", f"{link('http://x.de/:-')})"),
    (68, "http://x.de/?a=;)", f"{link('http://x.de/?a=')};)"),
    (69, '"test")', None),
    (69, "foo&amp;)", "foo&amp;amp;)"),
    (69, "(R&D;)", "(R&amp;D;)"),
    (70, "*:-)*", strong(SMILE)),
    (70, "_:-)_", u(SMILE)),
    (71, "*fett* :-)", f"{strong('fett')} {SMILE}"),
    (71, ":-)*fett*", f"{SMILE}{strong('fett')}"),
    (72, "a :'( b", f"a {CRY} b"),
    (72, "a\n:-)\nb", f"a<br>{SMILE}<br>b"),
    (73, "`x :-) *y*`", "<code>x :-) *y*</code>"),
]


@pytest.mark.parametrize(("number", "typed", "shown"), EXAMPLES)
def test_example(number: int, typed: str, shown: str | None) -> None:
    """The examples of the specification, by their numbers."""
    expected = typed.replace("&", "&amp;").replace("<", "&lt;") if shown is None else shown
    assert render(typed) == f"<p>{expected}</p>"


def test_every_example_is_here() -> None:
    """None of the 73 was forgotten."""
    assert {number for number, _, _ in EXAMPLES} == set(range(1, 74))


def test_row_68_shows_no_smiley_in_a_url() -> None:
    """The characters that look like one belong to the address or stand alone."""
    assert "<img" not in render("http://x.de/:-) http://x.de/?a=;)")


AT_EXAMPLE = "https://example.org/a"
MARKDOWN = [
    ("**fett** und *auch*", f"<p>{strong('fett')} und {strong('auch')}</p>"),
    ("so **zwei Worte**!", f"<p>so {strong('zwei Worte')}!</p>"),
    ("**a *b* c**", "<p>" + strong("a " + strong("b") + " c") + "</p>"),
    ("**a _b_ c**", "<p>" + strong("a " + u("b") + " c") + "</p>"),
    ("Kolleg**innen und Leser**innen", "<p>Kolleg**innen und Leser**innen</p>"),
    ("2 ** 3 ** 4", "<p>2 ** 3 ** 4</p>"),
    ("**offen", "<p>**offen</p>"),
    ("****", "<p>****</p>"),
    ("日本**語**だ", f"<p>日本{strong('語')}だ</p>"),
    (r"\**kein**", "<p>**kein**</p>"),
    (f"see [the docs]({AT_EXAMPLE}).", f"<p>see {labelled(AT_EXAMPLE, 'the docs', 'example.org')}.</p>"),
    (f"[*the* docs]({AT_EXAMPLE})", "<p>" + labelled(AT_EXAMPLE, strong("the") + " docs", "example.org") + "</p>"),
    (
        "[Foo](https://de.wikipedia.org/wiki/Foo_(bar))",
        "<p>" + labelled("https://de.wikipedia.org/wiki/Foo_(bar)", "Foo", "de.wikipedia.org") + "</p>",
    ),
    ("[a](www.example.org)", f"<p>{labelled('http://www.example.org', 'a', 'www.example.org')}</p>"),
    (f"**[a]({AT_EXAMPLE})**", f"<p>{strong(labelled(AT_EXAMPLE, 'a', 'example.org'))}</p>"),
    (f"[https://bank.example]({AT_EXAMPLE})", f"<p>[{link('https://bank.example')}]({link(AT_EXAMPLE)})</p>"),
    (
        f"[www.bank.example]({AT_EXAMPLE})",
        f"<p>[{link('http://www.bank.example', 'www.bank.example')}]({link(AT_EXAMPLE)})</p>",
    ),
    ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
    ("[a](https://bank.example@evil.example)", "<p>[a](https://bank.example@evil.example)</p>"),
    ("[a](https://example.org/ x)", f"<p>[a]({link('https://example.org/')} x)</p>"),
    ('[a](https://example.org/"onclick=x)', f'<p>[a]({link("https://example.org/")}"onclick=x)</p>'),
    (f"[ ]({AT_EXAMPLE}) []({AT_EXAMPLE})", f"<p>[ ]({link(AT_EXAMPLE)}) []({link(AT_EXAMPLE)})</p>"),
    (rf"\[a]({AT_EXAMPLE})", f"<p>[a]({link(AT_EXAMPLE)})</p>"),
    ("a[1] and [2]", "<p>a[1] and [2]</p>"),
    ("- eins\n- *zwei*", f"<ul><li>eins</li><li>{strong('zwei')}</li></ul>"),
    ("Vorher\n- eins\n- zwei\nNachher", "<p>Vorher</p><ul><li>eins</li><li>zwei</li></ul><p>Nachher</p>"),
    ("- eins\n\n- zwei", "<ul><li>eins</li><li>zwei</li></ul>"),
    ("- eins\n  noch\n- zwei", "<ul><li>eins<br>noch</li><li>zwei</li></ul>"),
    ("1. eins\n2. zwei", "<ol><li>eins</li><li>zwei</li></ol>"),
    ("4. vier\n5. fünf\n7. sieben", '<ol><li value="4">vier</li><li>fünf</li><li value="7">sieben</li></ol>'),
    ("- Bob", "<p>- Bob</p>"),
    ("3. Oktober war schön", "<p>3. Oktober war schön</p>"),
    ("- eins\n1. zwei", "<p>- eins<br>1. zwei</p>"),
    ("-5\n-6", "<p>-5<br>-6</p>"),
    ("> - eins\n> - zwei", "<blockquote><ul><li>eins</li><li>zwei</li></ul></blockquote>"),
    ("```\n- eins\n- zwei\n```", "<pre><code>- eins\n- zwei</code></pre>"),
    ("eins\n***\nzwei", "<p>eins</p><hr><p>zwei</p>"),
    ("***", "<p>***</p>"),
    ("eins\n\n***\n", "<p>eins</p><p>***</p>"),
    ("# Titel", "<p># Titel</p>"),
]


@pytest.mark.parametrize(("typed", "shown"), MARKDOWN)
def test_what_people_bring_from_markdown(typed: str, shown: str) -> None:
    assert render(typed) == shown


FACES = ["_(:з」∠)_", "_(┐「ε:)_", "(*´ω｀*)", "(*´д｀*)", "*\\(^o^)/*", "(*≧ω≦*)"]


@pytest.mark.parametrize(
    "typed", ["(*^▽^*)", "(*^_^*)", "(*_*)", "I ^_^ love this ^_^", "*!*", "_-_", "**(・)**", *FACES]
)
def test_faces_and_signs_are_not_emphasised(typed: str) -> None:
    assert render(typed) == f"<p>{typed}</p>"


@pytest.mark.parametrize("between", [",", ";", "|", "・"])
def test_addresses_in_a_row_are_links_of_their_own(between: str) -> None:
    assert render(f"{AT_EXAMPLE}/a{between}{AT_EXAMPLE}/b").count("<a ") == 2


def test_an_email_shows_the_address_behind_words() -> None:
    typed = f"[the docs]({AT_EXAMPLE}) and {AT_EXAMPLE}/b"
    assert render_for_email(typed) == f"<p>the docs ({AT_EXAMPLE}) and {AT_EXAMPLE}/b</p>"


class TestBlocks:
    """Paragraphs, quotes and code blocks."""

    def test_blank_lines_make_paragraphs(self) -> None:
        assert render("eins\nzwei\n\n\ndrei") == "<p>eins<br>zwei</p><p>drei</p>"

    def test_quotes_hold_markup_and_quotes(self) -> None:
        assert render("> *a*\n>> b\nc") == (
            "<blockquote><p><strong>a</strong></p><blockquote><p>b</p></blockquote></blockquote><p>c</p>"
        )

    def test_fenced_code_is_left_alone(self) -> None:
        assert render("```\n*a* :-)\n\n<b>\n```\n*b*") == (
            "<pre><code>*a* :-)\n\n&lt;b&gt;</code></pre><p><strong>b</strong></p>"
        )

    def test_an_open_fence_reaches_to_the_end(self) -> None:
        assert render("```\n*a*") == "<pre><code>*a*</code></pre>"

    def test_a_fence_may_name_its_language(self) -> None:
        assert render("```python\nx = 1\n```") == "<pre><code>x = 1</code></pre>"
        assert render("```a title of its own\nx = 1\n```") == "<pre><code>x = 1</code></pre>"
        assert render("  ```\nx\n ```\ny") == "<pre><code>x</code></pre><p>y</p>"
        assert render("```not ` a fence") == "<p>``<code>not </code> a fence</p>"

    def test_a_longer_fence_ends_at_one_as_long(self) -> None:
        assert render("````\n```\nx\n```\n````\ny") == "<pre><code>```\nx\n```</code></pre><p>y</p>"

    def test_quotes_within_quotes_end_somewhere(self) -> None:
        assert render(">" * 5000).count("<blockquote>") <= 6

    def test_empty_text_gives_nothing(self) -> None:
        assert render("\n \n\t\n") == ""


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("これは*大事*です", f"これは{strong('大事')}です"),
        ("นี่_สำคัญ_มาก", f"นี่{u('สำคัญ')}มาก"),
        ("谢谢:)", f"谢谢{smiley(':)')}"),
        ("谢谢:-D哈哈", f"谢谢{smiley(':-D')}哈哈"),
        *(
            (text, text)
            for text in ("料金:(税込)500円", "参考:(公式サイト)", "答案:D", "选:P", "血型:O型", "หมายเหตุ:(ดูด้านล่าง)")
        ),
        ("😀:)", f"😀{smiley(':)')}"),
        ("\u200f:)\u200f", f"\u200f{smiley(':)')}\u200f"),  # as keyboards for Hebrew and Arabic put them
        ("👍🏽:)👍", f"👍🏽{smiley(':)')}👍"),
        ("❤️:)", f"❤️{smiley(':)')}"),
        ("①:)", f"①{smiley(':)')}"),
        ("谢谢。:)再见", f"谢谢。{smiley(':)')}再见"),
        ("2*3*4は", "2*3*4は"),
        ("한국*어*", "한국*어*"),  # which has spaces
        ("이것은 *중요*합니다", f"이것은 {strong('중요')}합니다"),  # and particles after any word
        ("**API**를 _꼭_은", f"{strong('API')}를 {u('꼭')}은"),
        ("보고서_최종_수정", "보고서_최종_수정"),
        ("*(a)* *'I'* *5%* *é*", " ".join(map(strong, ("(a)", "'I'", "5%", "é")))),
    ],
)
def test_scripts_without_spaces_have_boundaries_everywhere(typed: str, shown: str) -> None:
    assert render(typed) == f"<p>{shown}</p>"


class TestLinks:
    """What becomes a link."""

    @pytest.mark.parametrize(
        "typed",
        ["javascript:alert(1)", "data:text/html,x", "ftp://example.org/", "file:///etc/passwd", "mailto:a@b.de"],
    )
    def test_only_web_addresses_do(self, typed: str) -> None:
        assert "<a" not in render(typed)

    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ("https://youtu.be/dQw4w9WgXc_", link("https://youtu.be/dQw4w9WgXc_")),
            ("see https://t.me/joinchat/AAAA_.", f"see {link('https://t.me/joinchat/AAAA_')}."),
            ("_see https://t.me/AAAA_", u(f"see {link('https://t.me/AAAA')}")),
            ("https://example.org/a__", f"{link('https://example.org/a_')}_"),
            ("https://example.org/a—it is", f"{link('https://example.org/a')}—it is"),
            ("https://ru.example/Мир_—_труд", link("https://ru.example/Мир_—_труд")),
        ],
    )
    def test_an_underscore_at_the_end_belongs_to_it_if_none_is_open(self, typed: str, shown: str) -> None:
        assert render(typed) == f"<p>{shown}</p>"

    def test_no_password_hides_in_one(self) -> None:
        assert "<a" not in render("https://paypal.com@evil.example/")

    def test_look_alike_hosts_do_not(self) -> None:
        assert "<a" not in render("http://ｅxample.org/")

    def test_www_is_enough(self) -> None:
        assert render("www.example.org/a") == f"<p>{link('http://www.example.org/a', 'www.example.org/a')}</p>"

    @pytest.mark.parametrize(
        ("typed", "url", "after"),
        [
            ("见https://a.example/x。然后", "https://a.example/x", "。然后"),
            ("见https://a.example吧", "https://a.example", "吧"),
            ("https://a.example/吧", "https://a.example/吧", ""),
            ("人々https://a.example/x﹐然后", "https://a.example/x", "﹐然后"),
            ("〇https://a.example/x﹂", "https://a.example/x", "﹂"),
            ("ｱﾊﾟｰﾄhttps://a.example/x‼", "https://a.example/x", "‼"),
            ("ㄅhttps://a.example/x།", "https://a.example/x", "།"),
            ("（https://a.example/x）", "https://a.example/x", "）"),
            ("「https://a.example/x」", "https://a.example/x", "」"),
            ("ดูhttps://a.example/x ไป", "https://a.example/x", " ไป"),
            ("„https://a.example/x“", "https://a.example/x", "“"),
            ("«https://a.example/x»", "https://a.example/x", "»"),
            ("https://a.example/x…", "https://a.example/x", "…"),
            ("https://a.example/x،", "https://a.example/x", "،"),
            ("https://a.example/x।", "https://a.example/x", "।"),
            ("https://a.example/x –", "https://a.example/x", " –"),
            ("ดูhttps://a.example/x\u200bไป", "https://a.example/x", "\u200bไป"),
            ("https://ja.example/wiki/日本", "https://ja.example/wiki/日本", ""),
            ("|https://a.example/x|", "https://a.example/x", "|"),
            ("~https://a.example/~x~.", "https://a.example/~x", "~."),
            ("~~https://a.example/x~~,", "https://a.example/x", "~~,"),
            ("||https://a.example/x||", "https://a.example/x", "||"),
            ("https://a.example/~x~", "https://a.example/~x~", ""),
            ("⟦https://a.example/x⟧.", "https://a.example/x", "⟧."),
            ("⁅https://a.example/⁅x⁆⁆", "https://a.example/⁅x⁆⁆", ""),
            *(("https://a.example/x" + sign, "https://a.example/x", sign) for sign in "᙮᥄᠃꓿꘎꡶꩝꯫෴⸮⹓𐩖𑁇𑅁𑑋𑱁𖩮𛲟᭚᰻᱾"),
            ("https://a.example/x\u2060", "https://a.example/x", "\u2060"),
            ("https://a.example/x\ufeff.", "https://a.example/x", "\ufeff."),
        ],
    )
    def test_they_end_where_a_sentence_does_in_any_script(self, typed: str, url: str, after: str) -> None:
        assert f"{link(url)}{after}</p>" in render(typed)

    @pytest.mark.parametrize(
        "address",
        [
            "https://a.example./x",
            "https://a_b.example/x_y",
            "https://[2001:db8::1]/x",
            "http://[::1]:8080/",
            "https://xn--mnchen-3ya.example/",
            "https://m%C3%BCnchen.example/",
            "https://mu\u0308nchen.example/",
        ],
    )
    def test_hosts_of_every_form_that_browsers_know(self, address: str) -> None:
        assert render(f"See {address}") == f"<p>See {link(address)}</p>"

    @pytest.mark.parametrize(
        "address",
        ["https://[::1::]/x", "https://[words]/x", "https://xn--a.example/x", "www...", "I surf the www., too"],
    )
    def test_what_is_no_host_is_no_link(self, address: str) -> None:
        assert render(address) == f"<p>{address}</p>"

    def test_no_link_turns_the_direction_of_reading(self) -> None:
        assert "<a" not in render("https://a\u202e.example/x")
        assert render("https://a.example/\u202egpj.exe") == f"<p>{link('https://a.example/%E2%80%AEgpj.exe')}</p>"

    def test_every_link_says_that_a_user_made_it(self) -> None:
        assert render("https://a.example https://b.example").count(REL) == 2

    def test_the_pictures_come_from_where_they_are_told_to(self) -> None:
        html = render(":-)", smilies_at="https://comments.example/static/smilies/")
        assert 'src="https://comments.example/static/smilies/smile.svg"' in html


HOSTILE = [
    "*",
    "_",
    "* ",
    "*a_",
    "_a ",
    "(*",
    "`",
    "\\*",
    "@",
    "a@",
    "http://",
    "www.",
    "http://a.de/(",
    "[",
    "[a](",
    "[a](https://b.de/",
    "[a](https://b.de/(",
    "**",
    "**a",
    "- a\n",
    "- a\n1. b\n",
    "- a\n\n\n\n1. b\n",
    "***\n",
    ">",
    "\n>",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_length_only(piece: str) -> None:
    """Twice the text takes about twice as long; a quadratic rule would take four times."""
    short, long = piece * (5_000 // len(piece)), piece * (20_000 // len(piece))  # the longest that is taken
    render(short)
    assert _seconds(long) < 8 * _seconds(short) + 0.1


def _seconds(text: str) -> float:
    def once() -> float:
        start = time.process_time()
        render(text)
        return time.process_time() - start

    return min(once() for _ in range(3))


ALPHABET = st.sampled_from(
    [
        *"ab *_\\`<>&\"':;)(8-DPO|@.#/[]\n\t",
        *("http://", "https://a.de/", "www.", "[a](https://b.de)", "](", "\n- ", "\n1. ", "\n2. ", "**", "\n***\n"),
        *("é", "語", "\u0301", "\x01"),
    ]
)
TEXTS = st.lists(ALPHABET, max_size=60).map("".join) | st.text(max_size=80)
TAGS = {"p", "br", "hr", "strong", "u", "a", "img", "code", "pre", "blockquote", "ul", "ol", "li"}


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.number = 0
        self.behind_words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        given = dict(attrs)
        if tag == "img":
            assert str(given["src"]).startswith("/static/smilies/")
            self.text.append(str(given["alt"]))
        elif tag == "a":
            assert str(given["href"]).lower().startswith(("http://", "https://"))
            assert set(given) == {"href", "rel"} | ({"title"} & set(given))
            self.behind_words.append(f"]({given['href']})" if "title" in given else "")
            self.text.append("[" if "title" in given else "")
        elif tag == "li":
            self.number = int(given.get("value") or self.number + 1)
            self.text.append(f"{self.number}." if self.open[-1] == "ol" else "-")
        else:
            assert not given
            self.number = self.number if tag != "ol" else 0
        if tag not in ("br", "img", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "a":
            self.text.append(self.behind_words.pop())

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_any_text_gives_balanced_html_of_few_tags(text: str) -> None:
    """Whatever is typed, the tags are ours, nested, and closed."""
    checker = _Checker()
    checker.feed(render(text))
    checker.close()
    assert not checker.open


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_no_letter_is_lost(text: str) -> None:
    """The text of the output is the text of the input, less the signs that markup uses up."""
    assume(not re.search(r"^>*```+[^`\n]*[^`\s]", CONTROLS.sub("", text), re.MULTILINE))  # a fence's title is of them
    assume(not BIDI_CONTROLS.search(text))  # which are percent-encoded in addresses
    checker = _Checker()
    checker.feed(render(text))
    checker.close()
    used_up = re.compile(r"[\s*_\\`>\x00-\x1f\x7f-\x9f\ufffe\uffff]+")
    seen, typed = (used_up.sub("", one).replace("http://www.", "www.") for one in ("".join(checker.text), text))
    assert seen == typed


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_bleach_changes_nothing_that_we_wrote(text: str) -> None:
    """Cleaning twice is cleaning once, so stored HTML is a fixed point."""
    once = render(text)
    assert unescape(clean_by_bleach(once)) == unescape(once)


def clean_by_bleach(html: str) -> str:
    return str(sanitize._cleaner().clean(html))


WORDS = (
    "words",
    "\n",
    "\t",
    " ",
    "&amp;",
    "&lt;b&gt;",
    "'",
    '"',
    ";",
    "é",
    "\u2028",
    "\u202e",
    "\ufffe",
    "]]&gt;",
    "--",
)
STARTS = {"a": '<a href="https://x.example/?a=1&amp;b=2#c" rel="ugc nofollow noopener" title="x.example">'}
ALIEN = (
    *(
        "<script>",
        "</p>",
        "<p>",
        "<u>",
        "<pre>\n",
        "<li>",
        "<P>",
        "<!--",
        "-->",
        "<",
        ">",
        "&",
        "&nbsp",
        "\r\n",
        "\x0b",
        "\x85",
    ),
    *(
        "\ud800",
        '<a href="http://[::1/">',
        '<a href="javascript:alert(1)">',
        '<p onclick="x">',
        "</a>",
        "<svg>",
        "<br/>",
    ),
)


def _html(random: Random, tag: str, depth: int) -> str:
    """Return an element that our renderer could write, or some words."""
    if tag == "words":
        return "".join(random.choices(WORDS, k=3))
    if tag == "img":
        return random.choice((SMILE, CRY))
    if tag in ("br", "hr"):
        return f"<{tag}>"
    kinds = sorted(sanitize.MAY_HOLD[tag])
    inside = (_html(random, random.choice(kinds), depth - 1) for _ in range(random.randint(0, 3) if depth else 0))
    return f"{STARTS.get(tag, f'<{tag}>')}{''.join(inside)}</{tag}>" if tag else "".join(inside)


@settings(max_examples=1500, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 8), st.one_of(st.just(""), st.sampled_from(ALIEN)))
def test_what_skips_bleach_would_pass_it_unchanged(random: Random, depth: int, alien: str) -> None:
    """Only HTML that bleach would return as it is goes by it, whatever a fault of the renderer might write."""
    html = _html(random, "", depth)
    place = random.randint(0, len(html))
    html = html[:place] + alien + html[place:]
    assert clean(html) == clean_by_bleach(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>" + SMILE.replace("/static", 'https://x"onerror="alert(1)"/static') + "</p>",
        "<p>" + SMILE.replace(":-)", 'x"onerror="alert(1)') + "</p>",
        "<p>" + STARTS["a"].replace("?a", '"onclick="alert(1)"') + "words</a></p>",
        f"<p>{STARTS['a']}{STARTS['a']}words</a></a></p>",
        "<p><p>words</p></p>",
        "<pre>\n<code>words</code></pre>",
    ],
)
def test_bleach_is_asked_where_anything_is_unusual(html: str) -> None:
    """An attribute that ends early, a link in a link, or a tag where none may be."""
    assert clean(html) == clean_by_bleach(html) != html


@pytest.mark.parametrize(
    ("typed", "address", "after"),
    [
        ("https://ru.example/Крейсер_«Аврора»", "https://ru.example/Крейсер_«Аврора»", ""),
        ("https://x.example/“a”", "https://x.example/“a”", ""),
        ("https://x.example/„a“.", "https://x.example/„a“", "."),
        ("https://x.example/a»", "https://x.example/a", "»"),
        ("https://x.example/a⋯", "https://x.example/a", "⋯"),
        ("https://ja.example/ジョン・レノン・", "https://ja.example/ジョン・レノン", "・"),
        ("https://x.example/a￥100", "https://x.example/a", "￥100"),
        ("𛀀https://x.example/a", "https://x.example/a", ""),
        ("请看“https://x.example/a”吧", "https://x.example/a", "”吧"),
        ("«https://x.example/a»です", "https://x.example/a", "»です"),
        ("„https://x.example/a“и", "https://x.example/a", "“и"),
        ("https://x.example/a→", "https://x.example/a", "→"),
        ("见https://x.example/a——很好", "https://x.example/a", "——很好"),
        ("https://x.example/a……很好", "https://x.example/a", "……很好"),
        ("https://x.example/a”很好", "https://x.example/a", "”很好"),
        ("https://x.example/a—it", "https://x.example/a", "—it"),
        ("https://x.example은 좋아요", "https://x.example", "은 좋아요"),
        ("www.x.example에서", "www.x.example", "에서"),
        ("https://x.example:8080에서", "https://x.example:8080", "에서"),
        ("https://x.example😀", "https://x.example", "😀"),
        ("https://x.vermögensberater", "https://x.vermögensberater", ""),
        ("❤️https://x.example/a", "https://x.example/a", ""),
        ("1️⃣https://x.example/a", "https://x.example/a", ""),
        ("葛\U000e0100https://x.example/a", "https://x.example/a", ""),
        ("①https://x.example/a", "https://x.example/a", ""),
        ("ＵＲＬhttps://x.example/a", "https://x.example/a", ""),
    ],
)
def test_quotes_in_pairs_belong_to_an_address_and_punctuation_does_not(typed: str, address: str, after: str) -> None:
    assert render(typed).endswith(f">{address}</a>{after}</p>")


@pytest.mark.parametrize(("number", "typed", "seen"), EXAMPLES)
def test_bleach_is_spared_for_what_the_renderer_writes(number: int, typed: str, seen: str | None) -> None:
    """Bleach takes nine tenths of the time, and would change nothing in what people usually write."""
    assert sanitize._is_clean(render(typed)), number
