"""Conventions of the project: documents, translations, commits in views only, nothing unused."""

import ast
import io
import itertools
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from commentsvc import errors, i18n, paths
from commentsvc.cli import demo_blog
from commentsvc.comments.by_mail import COMMANDS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "commentsvc"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted(paths.TEMPLATES.rglob("*.*"))


def test_only_views_commands_and_jobs_commit() -> None:
    """So that the rows of a use case stand or fall together; one that works in batches says that it commits."""
    allowed = (
        "web/",
        "cli/",
        "jobs/",
        "app.py",
        "backups/database_move.py",
        "schema.py",
        "db.py",
        "sqlite.py",
        "group_commit.py",
    )
    for file in SOURCES:
        name, text = file.relative_to(PACKAGE).as_posix(), file.read_text()
        if name.startswith(allowed):
            continue
        assert not re.search(r"\.(commit\w*|run_in_transaction)\(", text), f"{name} commits"
        assert "in_batches(" not in text or "Commits" in text, f"{name} commits in batches and does not say so"


def test_no_module_has_a_name_that_says_nothing() -> None:
    for file in SOURCES:
        for part in file.relative_to(PACKAGE).with_suffix("").parts:
            assert part not in ("utils", "helpers", "common", "core", "services", "manager")


def test_generated_documents_are_as_generated() -> None:
    run = subprocess.run([sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_template_is_used() -> None:
    words = "\n".join(file.read_text() for file in [*SOURCES, *TEMPLATES])
    for template in TEMPLATES:
        name = template.relative_to(paths.TEMPLATES).as_posix()
        mail = re.fullmatch(r"mail/(\w+)\.(subject\.txt|txt|html)", name)
        used = f'"{mail[1]}"' if mail and mail[1] != "layout" else template.name
        assert used in words, f"{name} is used nowhere"


def test_templates_translate_only_what_stands_in_them() -> None:
    """What others said would be taken for ours: its signs for markup, its % for places."""
    for template in TEMPLATES:
        assert not re.search(r"\b_\((?!\")", template.read_text()), template.name


def test_each_of_several_forms_names_where_it_is_sent() -> None:
    """Otherwise a form goes to the address of another one, if that was refused and the page is its answer."""
    for file in (paths.TEMPLATES / "admin").glob("*.html"):
        forms = re.findall(r"<form\b[^>]*>", re.sub(r"\{[{%].*?[%}]\}", "", file.read_text()))
        posting = [one for one in forms if 'method="post"' in one]
        nameless = [one for one in posting if "action=" not in one and 'id="one"' not in one]  # whose buttons name it
        assert len(posting) == 1 or not nameless, f"{file.name}: {nameless}"


def test_every_static_file_is_used() -> None:
    words = "\n".join(file.read_text() for file in [*SOURCES, *TEMPLATES, *paths.STATIC.rglob("*.js")])
    for file in paths.STATIC.rglob("*.*"):
        assert file.name in words or file.stem in words, f"{file.name} is used nowhere"


def test_every_sentence_is_in_every_language_and_none_is_left_over(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "docs" / "messages.py", "--check"], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("tag", i18n.languages())
def test_words_that_decide_by_email_are_those_of_the_email(tag: str) -> None:
    """What an email says to reply with is recognised."""
    with i18n.using_language(tag):
        said = i18n.gettext("Reply with “approve”, “spam” or “trash” on the first line.").casefold()
        assert all(i18n.gettext(word).casefold() in said for word in COMMANDS.values())


SIDE_BY_SIDE = (
    ("Author", "Moderator"),
    ("Pending", "Approved", "Spam", "Trash"),
    ("open", "closed", "read-only"),
    ("Comment", "Trackback", "Pingback", "Webmention"),
    ("Threaded", "Flat"),
)


@pytest.mark.parametrize("tag", i18n.languages())
@pytest.mark.parametrize("words", SIDE_BY_SIDE)
def test_choices_beside_each_other_have_different_words(tag: str, words: tuple[str, ...]) -> None:
    with i18n.using_language(tag):
        assert len({i18n.gettext(word) for word in words}) == len(words)


@pytest.mark.parametrize("tag", [tag for tag in i18n.languages() if tag != i18n.SOURCE])
class TestTranslations:
    """Every sentence in every language."""

    def catalogue(self, tag: str) -> dict[str, object]:
        with (paths.TRANSLATIONS / tag / "LC_MESSAGES" / "messages.po").open("rb") as file:
            return {_first(message.id): message for message in read_po(file, locale=tag) if message.id}

    def test_places_are_kept(self, tag: str) -> None:
        for identity, message in self.catalogue(tag).items():
            places = set(re.findall(r"%\(\w+\)\w", identity))
            forms = message.string if isinstance(message.string, tuple) else (message.string,)  # type: ignore[attr-defined]
            for translated in forms:
                named = set(re.findall(r"%\(\w+\)\w", translated))
                # "One comment" and "two comments" may be words without a number.
                assert named == places or (len(forms) > 1 and named == places - {"%(count)s"}), identity

    def test_plural_forms_are_those_of_the_language(self, tag: str) -> None:
        for message in self.catalogue(tag).values():
            if isinstance(message.string, tuple):  # type: ignore[attr-defined]
                assert len(message.string) == get_plural(tag)[0]  # type: ignore[attr-defined]

    def test_scripts_get_a_form_for_every_number(self, tag: str) -> None:
        with i18n.using_language(tag):
            forms = i18n.plural_forms("%(count)s new comment", "%(count)s new comments")
        rule = Locale.parse(tag).plural_form
        assert {rule(number) for number in range(200)} <= set(forms)


def test_languages_are_called_as_they_call_themselves() -> None:
    assert set(i18n.OWN_NAMES) == set(i18n.languages())
    for tag, name in i18n.OWN_NAMES.items():
        assert (Locale.parse(tag).get_display_name() or "").capitalize() == name


def _first(identity: str | tuple[str, ...] | list[str]) -> str:
    return identity if isinstance(identity, str) else identity[0]


def test_every_refusal_stands_in_the_tree() -> None:
    """The drawing in errors.py is the list that documents refer to."""
    drawn = errors.__doc__ or ""
    for name, thing in vars(errors).items():
        if isinstance(thing, type) and issubclass(thing, errors.Refusal):
            assert re.search(rf"\b{name}\b", drawn), name


def test_every_setting_and_command_is_documented() -> None:
    from commentsvc.settings import Settings

    text = (ROOT / "docs" / "settings.md").read_text()
    for name in Settings.model_fields:
        assert f"COMMENTSVC_{name.upper()}" in text


def test_every_part_and_property_a_blog_may_style_is_documented() -> None:
    """In docs/embed.md, and on the demo's theming page."""
    styled = "\n".join(
        file.read_text() for file in [*TEMPLATES, *paths.STATIC.rglob("*.js"), PACKAGE / "web/avatars.py"]
    )
    parts = {name for names in re.findall(r'part="([a-z ]+)"', styled) for name in names.split()}
    parts |= set(re.findall(r'part\.add\("(\w+)"\)', styled))
    text = (ROOT / "docs" / "embed.md").read_text()
    table = text[text.index("| part |") : text.index("The demo")]
    documented = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row)}
    assert documented == parts == set(demo_blog.PARTS)
    for name in set(re.findall(r"var\((--commentsvc-[\w-]+)", (paths.STATIC / "thread.css").read_text())):
        assert f"`{name}`" in text, name


def test_every_picture_is_there_and_shown() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {name for file in documents for name in re.findall(r"pictures/([\w.-]+)\)", file.read_text())}
    assert shown == {file.name for file in (ROOT / "docs" / "pictures").iterdir()}


def test_functions_are_short() -> None:
    """Half of all functions under nine lines, nine in ten under thirty-five."""
    lengths = sorted(
        (node.end_lineno or 0) - node.body[0].lineno + 1
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    )
    assert lengths[len(lengths) // 2] < 9
    assert lengths[len(lengths) * 9 // 10] < 35


def test_no_test_ends_before_it_asserts() -> None:
    """A value that returns early is green and shows nothing."""
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert not _returns_of(node), f"{file.name}: {node.name}"


def _returns_of(function: ast.FunctionDef) -> list[ast.Return]:
    """Those of the function itself, not of functions inside it."""
    found, waiting = [], list[ast.AST](function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return found


def test_no_registry_address_and_no_path_of_a_machine() -> None:
    """What is committed works anywhere."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    names = [name for name in listed.decode().split("\0") if name]
    unwanted = re.compile(
        "|".join(
            [
                "--(extra-)?index" + "-url",
                "--find" + "-links",
                "python" + "hosted",
                "registry" + ".npm",
                "/ro" + "ot/",
                "/wo" + "rk/",
            ]
        )
    )
    for name in names:
        file = ROOT / name
        if file.suffix not in (".png", ".wav") and file.is_file():
            assert not unwanted.search(file.read_text(errors="replace")), name


def ways() -> list[str]:
    """Each way through the code, as docs/architecture.md has them."""
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## Ways")[2].partition("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("| ") and "---" not in line][1:]


FILE = re.compile(r"`([\w/]+\.py)`")


@pytest.mark.parametrize("way", ways())
def test_each_way_is_at_most_four_files_that_are_there(way: str) -> None:
    assert 1 < len(FILE.findall(re.sub(r"\([^)]*\)|[⇢⟳].*", "", way))) <= 4
    for file in FILE.findall(way):
        assert (PACKAGE / file).is_file(), file


@pytest.mark.parametrize("way", ways())
def test_each_file_of_a_way_imports_the_next(way: str) -> None:
    """A file in brackets is another way to the one that follows."""
    calls = re.split("[⇢⟳]", way)[0]
    steps = [FILE.findall(step) for step in re.split(r"→|(?<=`|\)) \| (?=`)", calls)]
    for files, (following, *_) in itertools.pairwise(step for step in steps if step):
        for file in files:
            assert following in imported_by(PACKAGE / file), f"{file} → {following}"


def imported_by(file: Path) -> set[str]:
    """Files of the package that ``file`` imports, also modules from their package."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return {f"{module.removeprefix('commentsvc.').replace('.', '/')}.py" for module in modules}


def test_the_glossary_is_in_order_and_defines_each_term_once() -> None:
    rows = re.findall(r"^\| (.+?) \| ", (ROOT / "docs" / "glossary.md").read_text(), re.M)[1:]
    terms = [term for term in rows if term != "---"]
    assert terms == sorted(set(terms), key=str.casefold)


# Words that this code once used for itself, or in more senses than one. No name contains one.
PRIVATE_WORDS = (
    *("act", "acts", "desk", "in_talk", "seen_as", "tally", "checkup", "examination", "ailment", "mandate"),
    *("arrival", "stranger", "deaf", "looked_at", "in_steps", "drafts", "reach", "told", "own_words"),
    *("saved_answer", "show_anew", "bell", "twin", "hang", "settle", "look_out", "give_back", "take_back", "patience"),
    *(
        "parcel",
        "trouble",
        "sure",
        "must_be_left",
        "led_away",
        "surely_written",
        "each_written",
        "doubles",
        "remark",
        "standing",
        "heard",
        "talks",
        "asker",
        "walked",
        "accident",
        "put_before",
        "name_of_a_shop",
        "throw_away",
        "never_keep",
        "never_kept",
    ),
)
PRIVATE = re.compile(rf"(?:^|_)(?:{'|'.join(PRIVATE_WORDS)})s?(?:_|$)")
OLD_LIMITS = re.compile(r"\b(?:MOST|LONGEST|LARGEST)_[A-Z_]+\b")


def test_no_private_word_is_in_a_name() -> None:
    for file in SOURCES:
        names = {
            token.string
            for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline)
            if token.type == tokenize.NAME
        }
        snake_case = {name: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in names}
        assert not [name for name, parts in snake_case.items() if PRIVATE.search(parts)], file
        assert not [name for name in names if OLD_LIMITS.fullmatch(name)], file


def test_no_replaced_sentence_comes_back() -> None:
    """``replaced_sentences.txt`` holds what the interface used to say, one sentence a line."""
    replaced = {line.replace("\\n", "\n") for line in (HERE / "replaced_sentences.txt").read_text().splitlines()}
    with (paths.TRANSLATIONS / "de" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file)
    said = {text for message in catalogue for text in ([message.id] if isinstance(message.id, str) else message.id)}
    assert len(replaced) > 500
    assert said & replaced == set()
