"""``demo``: the comment server beside a demo blog on a second origin, with a thread to look at."""

import logging
import os
import sys
import threading
from pathlib import Path

import click
from werkzeug.serving import make_server

from commentsvc import schema, server, settings, settings_file
from commentsvc.accounts import one_time_links
from commentsvc.cli import application, demo_blog, demo_thread, serve
from commentsvc.db import db
from commentsvc.settings import PREFIX

OWNER = "ada@blog.example"


@click.command()
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port of the comment server."
)
@click.option("--blog-port", default=8001, show_default=True, type=click.IntRange(1, 65535), help="Port of the blog.")
@click.option(
    "--neighbour-port", default=8002, show_default=True, type=click.IntRange(1, 65535), help="Port of another blog."
)
def demo(port: int, blog_port: int, neighbour_port: int) -> None:
    """Serve, with a demo blog on a second origin, a sample thread, emails to read and a sign-in link."""
    for one, option in ((port, "--port"), (blog_port, "--blog-port"), (neighbour_port, "--neighbour-port")):
        serve.must_be_free("127.0.0.1", one, f"{option} (`make run PORT=8010` takes 8010 and the two above)")
    blog, neighbour = f"http://127.0.0.1:{blog_port}", f"http://127.0.0.1:{neighbour_port}"
    os.environ[settings_file.VARIABLE] = ""  # ignores the settings file of a real blog
    os.environ.setdefault(f"{PREFIX}DATA_DIR", "data/demo")  # not where a real blog's comments would be
    emails = Path(os.environ[f"{PREFIX}DATA_DIR"]).resolve() / "emails"
    serve.reachable_at("127.0.0.1", port)
    os.environ.setdefault(f"{PREFIX}MAIL_URL", emails.as_uri())
    os.environ.setdefault(f"{PREFIX}FETCH_ALLOW", f"127.0.0.1:{neighbour_port},127.0.0.1:{blog_port}")
    app = application.make(makes_database=True)
    config = settings.current()
    with app.app_context():
        owner = demo_thread.prepare(blog, neighbour, OWNER)
        link = one_time_links.sign_in_url(owner)
        db.session.remove()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # requests to the demo blog are not worth a line
    for at in (blog_port, neighbour_port):
        pages = demo_blog.create(config.base_url, blog, neighbour, emails)
        scenery = make_server("127.0.0.1", at, pages, threaded=True)
        threading.Thread(target=scenery.serve_forever, daemon=True).start()
    same = f"{PREFIX}DATA_DIR={os.environ[f'{PREFIX}DATA_DIR']} {PREFIX}BASE_URL={config.base_url}"
    click.echo(
        f"\n  The blog          {blog}{demo_blog.ARTICLE}"
        f"\n  Without scripts   {config.base_url}/t/blog{demo_blog.ARTICLE}"
        f"\n  Sign in, once     {link}"
        f"\n  Emails            {blog}/emails"
        f"\n  Another blog      {neighbour}{demo_blog.POST}"
        f"\n  Commands          {same} {sys.argv[0]} …\n"
        f"\n  Stop with Ctrl+C.\n"
    )
    with schema.checkpointed(config.database):
        server.listen("127.0.0.1", port, workers=1)
