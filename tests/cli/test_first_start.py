"""The first start: the server prints where its owner names themselves, until there is one."""

from pathlib import Path

from tests.running import Running


def test_the_link_is_printed_while_nobody_can_sign_in(tmp_path: Path, time: object) -> None:
    server = Running(tmp_path, starts_anew=True)
    server.run("site", "add", "blog", "https://blog.example")
    log = tmp_path / "server.log"
    try:
        server.start()
        assert f"{server.url}/admin/set-up/" in log.read_text()
        server.kill()
        server.run("moderator", "add", "ada@blog.example")
        log.write_text("")
        server.start()
        assert "set-up" not in log.read_text()
    finally:
        server.kill()
