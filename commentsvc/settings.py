"""Every setting of the service: name, type, default and description, declared once.

A setting is read from the environment as ``COMMENTSVC_<NAME>``, else from ``commentsvc.toml``;
``COMMENTSVC_<NAME>_FILE`` names a file with the value, for secrets. What moderators change while the service runs is a
rule of a site (``sites/rules.py``).
"""

import os
import re
import secrets
from codecs import BOM_UTF8
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from commentsvc import files, secret_strength, settings_file
from commentsvc.errors import N_, Explained
from commentsvc.hosts import ENDS_IN_NUMBER, USUAL_PORTS, ascii_host, is_host_alone, network_of

PREFIX = "COMMENTSVC_"
WORKER_ELSEWHERE = "_COMMENTSVC_WORKER_ELSEWHERE"  # set where another process runs the jobs
MAIL_SCHEMES = ("smtp", "smtps", "smtp+starttls", "file")
INBOX_SCHEMES = ("imaps", "imap+starttls", "imap")
MAX_PORT = 65_535
MAX_MAILBOX_LENGTH = 20  # characters before the @, of the 64 that there may be
MIN_SECRET_LENGTH = 32  # characters
AN_ADDRESS = "an http or https address such as https://comments.example.org or https://example.org/comments"
NOT_A_FILE = N_("%(file)s is not a regular file. Move it away, so that a secret can be stored there.")
NOT_READABLE = N_("%(file)s cannot be created or read (%(why)s).")
DAMAGED_SECRET = N_(
    "%(file)s is damaged: it does not contain a secret of at least %(length)s characters. Restore it from a backup. If "
    "it is lost, set COMMENTSVC_SECRET_KEY to a new random text of that length: everyone must then sign in again, and "
    "links in emails already sent stop working."
)
SECRET = re.compile(rf"[ -~]{{{MIN_SECRET_LENGTH},}}")  # in a file; a power cut leaves zeros


class WrongSetting(Explained):
    """The service cannot start with a setting; the sentence names it and what is allowed."""


def _must_be_installed(library: str, extra: str) -> None:
    """Raise ``ValueError`` unless a library that comes with an extra of this package is there."""
    if find_spec(library) is None:
        raise ValueError(
            f"needs a library that is not installed; in the folder of the source: pip install '.[{extra}]'"
        )


def _words(value: Any) -> Any:
    return value.replace(",", " ").split() if isinstance(value, str) else value


class Settings(BaseModel):
    """The values that the service runs with; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    data_dir: Path = Field(
        Path("data"),
        description="Folder for the SQLite file and the generated secret; it is created when missing.",
    )
    database_url: str = Field(
        "",
        description="Where comments are stored: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`. "
        "Empty means the file `commentsvc.sqlite3` in `DATA_DIR`.",
    )
    database_pooler: bool = Field(
        False,
        description="Whether PgBouncer or another pooler in transaction mode is in front of PostgreSQL: prepared "
        "statements are not used then. It must ignore the startup parameter `options`.",
    )
    database_direct_url: str = Field(
        "",
        description="The address of PostgreSQL itself, for backups, if `DATABASE_URL` leads to a pooler.",
    )
    secret_key: str = Field(
        "",
        description="Signs cookies and links; at least 32 characters. Empty means that one is made at the first "
        "start and kept in `DATA_DIR/secret_key`, readable by its owner only.",
    )
    base_url: str = Field(
        "http://localhost:8000",
        description="The address readers reach the service at, without a trailing slash; every link in pages "
        "and mails begins with it.",
    )
    mail_url: str = Field(
        "",
        description="The mail server: `smtp://HOST:PORT`, `smtps://USER:PASSWORD@HOST`, "
        "`smtp+starttls://USER:PASSWORD@HOST`, or `file:///FOLDER` to write emails to files. "
        "Empty means that emails wait in the outbox.",
    )
    mail_from: str = Field(
        "",
        description="The sender of every email. Empty means `comments@` followed by the host of `BASE_URL`.",
    )
    mail_reply_to: str = Field(
        "",
        description="The mailbox that answers and bounces go to, such as `comments@example.org`; its server must "
        "deliver `comments+ANYTHING@example.org` there. Empty means that emails cannot be answered by mail, and "
        "that bounces go to `MAIL_FROM`.",
    )
    mail_inbox: str = Field(
        "",
        description="Where the worker reads that mailbox: `imaps://USER:PASSWORD@HOST/FOLDER`, "
        "`imap+starttls://…`, or `imap://…` on the same machine. Empty where the mail server pipes each mail into "
        "`commentsvc receive`, or where nobody answers by mail.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description="Networks (CIDR, separated by commas) whose `X-Forwarded-For` is believed; default none.",
    )
    redis_url: str = Field(
        "",
        description="`redis://HOST:PORT/0`, where several processes share their rate limits. Empty means that "
        "each process counts for itself.",
    )
    fetch_allow: Annotated[frozenset[str], BeforeValidator(_words)] = Field(
        frozenset(),
        description="`HOST:PORT` pairs (separated by commas) that the fetcher of linkback sources, webhooks and purges "
        "may reach although they are private or use an odd port; default none.",
    )
    metrics_token: str = Field(
        "",
        description="Bearer token for `/metrics`. Empty means that only the machine itself may read them.",
    )
    backup_dir: str = Field(
        "",
        description="Folder for a backup each day, checked; best on another disk. Empty means none.",
    )
    backup_keep: int = Field(
        10,
        ge=1,
        description="How many daily backups are kept.",
    )
    edge_seconds: int = Field(
        1,
        ge=0,
        le=86_400,
        description="How long caches in front of the service (nginx, a CDN) may keep a thread without asking, in "
        "seconds. New comments show after this time at the latest.",
    )
    edge_purge_url: str = Field(
        "",
        description='Where to POST `{"tags": […]}` when something has changed, so that caches drop it at once. '
        "Answers then carry `Cache-Tag` and `Surrogate-Key`. Empty means nowhere.",
    )
    edge_purge_token: str = Field(
        "",
        description="Bearer token that is sent to `EDGE_PURGE_URL`.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        description="`text` for people, `json` for log collectors; one line for each event in both.",
    )

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError(f"must be {AN_ADDRESS}") from None
        host = ascii_host(parts.hostname or "")
        is_web = parts.scheme in ("http", "https") and port != 0 and is_host_alone(parts.netloc)
        if not is_web or not host or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(f"must be {AN_ADDRESS}")
        path = parts.path.rstrip("/")
        if not re.fullmatch(r"(/[\w.~-]+)*", path, re.ASCII) or {".", ".."} & set(path.split("/")):
            raise ValueError(f"must be {AN_ADDRESS}; a path after the host is of letters, digits and -._~")
        has_port = port and port != USUAL_PORTS[parts.scheme]
        return f"{parts.scheme}://{host}" + (f":{port}" if has_port else "") + path

    @field_validator(
        "database_url", "database_direct_url", "mail_url", "mail_inbox", "redis_url", "edge_purge_url", mode="before"
    )
    @classmethod
    def _check_host_and_port(cls, value: Any) -> Any:
        try:
            parts = urlsplit(str(value))
            is_readable = parts.port != 0 and not parts.netloc.endswith(":")
        except ValueError:
            is_readable = False
        if not is_readable:
            raise ValueError("must have a port between 1 and 65535 or none, and a host before it")
        return value

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _check_database_url(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        if value.startswith("postgresql"):
            _must_be_installed("psycopg", "postgres")
        if value.startswith("sqlite:") and "?" in value:
            raise ValueError("must be a file, without parameters")
        if value.startswith("sqlite:///") and not value.startswith("sqlite:////"):  # for others it is another folder
            return f"sqlite:///{Path.cwd()}/{value.removeprefix('sqlite:///')}"
        return value.replace("postgresql://", "postgresql+psycopg://", 1)

    @field_validator("mail_url")
    @classmethod
    def _check_mail_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in MAIL_SCHEMES:
            raise ValueError("must begin with " + ", ".join(f"{scheme}://" for scheme in MAIL_SCHEMES))
        if value and urlsplit(value).scheme != "file" and not urlsplit(value).hostname:
            raise ValueError("must name a server, such as smtp+starttls://user:password@mail.example.org")
        return value

    @field_validator("mail_from", "mail_reply_to")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", value):
            raise ValueError("must be one mail address, such as comments@example.org")
        local, at, domain = value.rpartition("@")
        host = domain if not value or domain.startswith("[") else ascii_host(domain)  # not every server takes others
        if value and not host:
            raise ValueError("must have the name of a host after the @")
        return f"{local}{at}{host}"

    @field_validator("mail_reply_to")
    @classmethod
    def _check_reply_to(cls, value: str) -> str:
        if len(value.partition("@")[0]) > MAX_MAILBOX_LENGTH:
            raise ValueError(f"must have at most {MAX_MAILBOX_LENGTH} characters before the @")
        return value

    @field_validator("mail_inbox")
    @classmethod
    def _check_inbox(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in INBOX_SCHEMES or not urlsplit(value).hostname):
            raise ValueError("must begin with " + ", ".join(f"{scheme}://" for scheme in INBOX_SCHEMES))
        return value

    @field_validator("fetch_allow")
    @classmethod
    def _check_fetch_allow(cls, value: frozenset[str]) -> frozenset[str]:
        pairs = {pair: re.fullmatch(r"(.+):(\d{1,5})", pair) for pair in value}
        hosts = {pair: ascii_host(found[1].strip("[]")) if found else "" for pair, found in pairs.items()}
        ports = {pair: int(found[2]) if found else 0 for pair, found in pairs.items()}
        if wrong := [pair for pair in value if not hosts[pair] or not 0 < ports[pair] <= MAX_PORT]:
            raise ValueError(f"{wrong[0]} is no HOST:PORT pair")
        return frozenset(f"{hosts[pair]}:{ports[pair]}" for pair in value)

    @field_validator("edge_purge_url")
    @classmethod
    def _check_purge_url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an address that begins with https:// or http://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        if value:
            _must_be_installed("redis", "redis")
        return value

    @field_validator("data_dir")
    @classmethod
    def _check_data_dir(cls, value: Path) -> Path:
        if "\0" in str(value):
            raise ValueError("must be the path of a folder")
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _check_proxies(cls, value: Any) -> Any:
        given = _words(value)
        if not isinstance(given, (list, tuple)):
            raise ValueError("must be networks such as 10.0.0.0/8")
        return tuple(network_of(one) if isinstance(one, str) else one for one in given)

    @field_validator("secret_key")
    @classmethod
    def _check_secret_key(cls, value: str) -> str:
        stripped = value.replace("\0", "").strip()
        if value and (len(stripped) < MIN_SECRET_LENGTH or secret_strength.is_guessed_soon(stripped)):
            raise ValueError(f"must be a random text of at least {MIN_SECRET_LENGTH} characters, or empty")
        return value.strip()  # as one that is kept in a file

    @cached_property
    def database(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{quote(str(self.data_dir.resolve() / 'commentsvc.sqlite3'))}"

    @cached_property
    def direct_database(self) -> str:
        """The SQLAlchemy URL of the database itself, where a pooler is in front of it."""
        return self.database_direct_url or self.database

    @cached_property
    def secret(self) -> str:
        """The secret; created with mode 0600 at the first use if none was given.

        Raises:
            WrongSetting: the stored one is damaged.
        """
        return self.secret_key or _kept_secret(self.secret_file)

    @property
    def secret_file(self) -> Path:
        """Where a created secret is stored."""
        return self.data_dir / "secret_key"

    @property
    def is_https(self) -> bool:
        """Whether readers use https, so that cookies may be Secure."""
        return self.base_url.startswith("https://")

    @cached_property
    def address(self) -> SplitResult:
        """``BASE_URL``, parsed."""
        return urlsplit(self.base_url)

    @property
    def path(self) -> str:
        """The path of ``BASE_URL``: empty, or such as ``/comments``."""
        return self.address.path

    @property
    def has_secret(self) -> bool:
        """Whether there is a secret, so that asking for it makes none."""
        return bool(self.secret_key) or os.path.lexists(self.secret_file)

    @property
    def cookie_prefix(self) -> str:
        """The prefix of cookie names that makes browsers enforce their attributes (RFC 6265bis, 4.1.3)."""
        if not self.is_https:
            return ""
        return "__Secure-" if self.path else "__Host-"

    @property
    def cookie_path(self) -> str:
        """The path of cookies."""
        return self.path or "/"

    @property
    def host(self) -> str:
        """The host that readers use."""
        return self.address.hostname or "localhost"

    @property
    def sender(self) -> str:
        """The sender address of emails."""
        host = self.host.removesuffix(".")
        if ":" in host:
            host = f"[IPv6:{host}]"  # RFC 5321, 4.1.3
        elif ENDS_IN_NUMBER.search(host):
            host = f"[{host}]"
        return self.mail_from or f"comments@{host}"


def _kept_secret(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise WrongSetting(NOT_A_FILE, file=path)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_once(path, secrets.token_urlsafe(48).encode())
        secret = path.read_bytes().removeprefix(BOM_UTF8).strip().decode("latin-1")
    except OSError as error:
        raise WrongSetting(NOT_READABLE, file=path, why=error.strerror) from None
    if not SECRET.fullmatch(secret) or secret_strength.is_guessed_soon(secret):
        raise WrongSetting(DAMAGED_SECRET, file=path, length=MIN_SECRET_LENGTH)
    return secret


def read(environment: Mapping[str, str], *, creates_data_dir: bool = True) -> Settings:
    """Return the settings of ``environment`` and, for what is missing there, of the settings file.

    The data folder is created, unless ``creates_data_dir`` is false.

    Raises:
        WrongSetting: naming the first setting that is unknown or has an invalid value.
    """
    given, file = _given(environment)
    try:
        settings = Settings.model_validate(given)
        if creates_data_dir:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        return settings
    except OSError as error:
        folder, reason = given.get("data_dir"), error.strerror
        raise WrongSetting(f"{PREFIX}DATA_DIR: {folder} cannot be made or used ({reason}).") from None
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        place = name if name in environment or not file else f"{first['loc'][0]!s} in {file}"
        if first["type"] == "extra_forbidden":
            known = ", ".join(PREFIX + field.upper() for field in Settings.model_fields)
            raise WrongSetting(f"{place} is not a setting of commentsvc; known are {known}.") from None
        raise WrongSetting(f"{place}: {first['msg'].removeprefix('Value error, ')}.") from None


def is_set(environment: Mapping[str, str], name: str) -> bool:
    """Return whether a setting is given, so that its default does not count; raises ``WrongSetting``."""
    return name in _given(environment)[0]


def _given(environment: Mapping[str, str]) -> tuple[dict[str, Any], Path | None]:
    try:
        file = settings_file.find(environment)
        given = settings_file.read(file) if file else {}
    except settings_file.Unreadable as error:
        raise WrongSetting(str(error)) from None
    for variable in variables(environment):
        name, value = _named_value(variable.removeprefix(PREFIX), environment[variable])
        given[name.lower()] = value
    return given, file


def variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that are settings."""
    return [one for one in environment if one.startswith(PREFIX) and one != settings_file.VARIABLE]


def _named_value(name: str, value: str) -> tuple[str, str]:
    if not name.endswith("_FILE"):
        return name, value
    try:
        if Path(value).exists() and not Path(value).is_file():  # which may never end, or be read only once
            raise WrongSetting(f"{PREFIX}{name}: {value} is not a regular file.")
        text = Path(value).read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise WrongSetting(f"{PREFIX}{name}: {value} cannot be read ({error.strerror}).") from None
    except ValueError:  # not text, or not a possible file name
        raise WrongSetting(f"{PREFIX}{name}: {value} is no file with text in it.") from None
    if not text:
        raise WrongSetting(f"{PREFIX}{name}: {value} is empty.")
    return name.removesuffix("_FILE"), text


_in_use: Settings | None = None


def use(settings: Settings) -> None:
    """Make ``settings`` the current ones of this process; called at its start."""
    global _in_use
    _in_use = settings


def current() -> Settings:
    """Return the current settings."""
    if _in_use is None:
        raise RuntimeError("settings.use() comes before settings.current()")
    return _in_use


def has_pooler() -> bool:
    """Return whether a pooler stands before the database; False before ``use``."""
    return _in_use is not None and _in_use.database_pooler
