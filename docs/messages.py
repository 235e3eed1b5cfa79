"""Bring every translation in line with the sentences in the code: ``messages.py``, or ``--check`` in the tests."""

import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
MARKS = ("-k", "N_", "-k", "plural_forms:1,2")
TRANSLATIONS = ROOT / "commentsvc" / "translations"


def main() -> int:
    """Write the catalogues anew, or say what is missing or left over."""
    wanted = _sentences()
    trouble = [
        line for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")) for line in _compare(path, wanted)
    ]
    if "--check" not in sys.argv:
        for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"):
            _rewrite(path, wanted)
    print("\n".join(trouble) or "Every sentence is translated.")
    return 1 if trouble and "--check" in sys.argv else 0


def _sentences() -> Catalog:
    with tempfile.NamedTemporaryFile(suffix=".pot") as file:
        options = [
            "extract",
            "-F",
            "pyproject.toml",
            *MARKS,
            "--no-location",
            "-o",
            file.name,
            ".",
        ]
        run = [sys.executable, "-m", "babel.messages.frontend", "-q", *options]
        subprocess.run(run, cwd=ROOT, check=True)
        return read_po(file)


def _compare(path: Path, wanted: Catalog) -> list[str]:
    have = _read(path)
    untranslated = [message.id for message in wanted if message.id and not _is_translated(have, message.id)]
    left_over = [message.id for message in have if message.id and wanted.get(message.id) is None]
    tag = path.parts[-3]
    return [f"{tag}: not translated: {one}" for one in untranslated] + [f"{tag}: not used: {one}" for one in left_over]


def _is_translated(have: Catalog, identity: str | tuple[str, ...]) -> bool:
    message = have.get(identity)
    return (
        message is not None
        and not message.fuzzy
        and all([message.string] if isinstance(message.string, str) else message.string)
    )


def _rewrite(path: Path, wanted: Catalog) -> None:
    have = _read(path)
    new = Catalog(locale=have.locale, project="commentsvc", charset="utf-8", fuzzy=False)
    new.mime_headers = have.mime_headers
    new.header_comment = have.header_comment
    for message in wanted:
        if message.id:
            known = have.get(message.id)
            new.add(message.id, known.string if known else "", flags=message.flags)
    with path.open("wb") as file:
        write_po(file, new, sort_output=True, width=110)


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


if __name__ == "__main__":
    sys.exit(main())
