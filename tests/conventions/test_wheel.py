"""The wheel holds everything: installed in a bare environment, it migrates, serves and takes a comment."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.servers import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_installs_and_posts_a_comment(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)])
    (wheel,) = tmp_path.glob("commentsvc-*.whl")
    _run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", str(tmp_path / "venv")])
    python = tmp_path / "venv" / "bin" / "python"
    # The libraries are the ones these tests run with; only the wheel itself is installed anew.
    (next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages" / "tests.pth").write_text(_libraries())
    _run([*pip, "--python", str(python), "install", "--no-deps", "--force-reinstall", str(wheel)])
    place = _run([str(python), "-c", "import commentsvc.paths as p; print(p.HOME)"], cwd=tmp_path).strip()
    assert Path(place) == Path(place).parent / "commentsvc"
    assert str(tmp_path) in place

    port = free_port()
    environment = {"COMMENTSVC_DATA_DIR": str(tmp_path / "data"), "COMMENTSVC_BASE_URL": f"http://localhost:{port}"}
    command = str(tmp_path / "venv" / "bin" / "commentsvc")
    _run([command, "upgrade"], env=environment, cwd=tmp_path)
    _run([command, "site", "add", "blog", "https://blog.example", "--captcha", "never"], env=environment, cwd=tmp_path)
    server = subprocess.Popen([command, "serve", "--port", str(port)], env=environment, cwd=tmp_path)
    try:
        body = json.dumps({"author": "Bob", "body": "from the *wheel*"}).encode()
        url = f"http://localhost:{port}/api/v1/threads/blog/x/comments"
        answer = _post_when_there(urllib.request.Request(url, body, {"Content-Type": "application/json"}))
        assert answer["body_html"] == "<p>from the <strong>wheel</strong></p>"
        with urllib.request.urlopen(f"http://localhost:{port}/t/blog/x") as page:
            assert b"Write a comment" in page.read()
        with urllib.request.urlopen(f"http://localhost:{port}/embed.js") as script:
            assert b"comment-thread" in script.read()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _libraries() -> str:
    import bleach

    return str(Path(bleach.__file__).parents[1]) + "\n"


def _post_when_there(request: urllib.request.Request) -> dict[str, str]:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _run(words: list[str], **options: object) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)
