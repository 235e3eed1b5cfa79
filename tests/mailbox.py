"""A real mailbox for the tests: a private Dovecot that takes mail over LMTP and gives it out over IMAP."""

import grp
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

from tests.servers import free_port

MISSING = "dovecot was not found (Debian: apt-get install dovecot-imapd dovecot-lmtpd)"
TIMEOUT = 20  # seconds
ADDRESS, PASSWORD = "comments@blog.example", "p@ss:word/1"
CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mail
recipient_delimiter = +
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group_of_user} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
"""


def program() -> str | None:
    """Where Dovecot is; ``/usr/sbin`` is not on everybody's path."""
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass
class MailboxServer:
    """``url`` is what goes into MAIL_INBOX."""

    imap: int
    lmtp: int

    @property
    def url(self) -> str:
        """With user and password as they are written in addresses."""
        user, password = quote(ADDRESS, safe=""), quote(PASSWORD, safe="")
        return f"imap://{user}:{password}@127.0.0.1:{self.imap}/INBOX"

    def deliver(self, mail: EmailMessage | bytes, to: str) -> None:
        """Hand a mail over as a mail server does."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        with smtplib.LMTP("127.0.0.1", self.lmtp) as line:
            line.sendmail("somebody@mail.example", [to], raw)


@contextmanager
def running() -> Iterator[MailboxServer]:
    """Start one and stop it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))  # short: a socket's path may have 107 bytes
    folder.chmod(0o755)
    server = MailboxServer(free_port(), free_port())
    file = folder / "dovecot.conf"
    file.write_text(CONFIGURATION.format(folder=folder, imap=server.imap, lmtp=server.lmtp, **_people(folder)))
    process = subprocess.Popen([program() or "", "-F", "-c", str(file)], cwd="/")
    try:
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT)
        shutil.rmtree(folder, ignore_errors=True)


def _people(folder: Path) -> dict[str, str]:
    """Who its processes are: itself, or where we are root, the users that the package has made."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    internal, login = ("dovecot", "dovenull") if me == "root" else (me, me)
    for name in ("mail", "home"):
        (folder / name).mkdir()
        if me == "root":
            shutil.chown(folder / name, internal)
    group = grp.getgrgid(pwd.getpwnam(internal).pw_gid).gr_name
    return {
        "internal": internal,
        "login": login,
        "group": group,
        "user": internal,
        "group_of_user": group,
        "password": PASSWORD,
    }


def _wait(server: MailboxServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    for port in (server.imap, server.lmtp):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            said = log.read_text() if log.exists() else ""
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
