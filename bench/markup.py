"""How long 64 KiB of hostile text take: our own renderer, and with bleach behind it."""

import time

from commentsvc.markup import render, sanitize

LENGTH = 65_536
PIECES = (
    "*",
    "_",
    "* ",
    "*a_",
    "*a* ",
    "*_",
    "(*",
    "`",
    "@",
    "a@",
    "http://",
    "www.",
    "http://a.de/(",
    "<",
    "&",
    ":-) ",
)


def main() -> None:
    """Render and print."""
    print("markup, 64 KiB of …      renderer s   with bleach s")
    for piece in PIECES:
        text = piece * (LENGTH // len(piece))
        started = time.process_time()
        html = render._blocks(render.lines(text), "/static/smilies/", 0)
        rendered = time.process_time()
        sanitize.clean(html)
        cleaned = time.process_time()
        print(f"  {piece!r:20} {rendered - started:10.3f} {cleaned - started:15.3f}")


if __name__ == "__main__":
    main()
