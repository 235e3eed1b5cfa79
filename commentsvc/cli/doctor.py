"""``doctor``: what is wrong with the service, or with an article's page, and what to do about it."""

import click

from commentsvc.cli import application


@click.command()
@click.argument("url", required=False, metavar="[ARTICLE_URL]")
@click.option("--all", "everything", is_flag=True, help="Also show what only very old software looks for.")
def doctor(url: str | None, everything: bool) -> None:
    """Check database, address, email, secret and clock, and with ARTICLE_URL its page, and say what to fix.

    Each line has a mark: ✓ right, – optional, ✗ to fix.
    """
    from commentsvc.cli import checks
    from commentsvc.linkbacks.page_check import Mark

    with application.make(needs_secret=False).app_context():
        findings = [*checks.of_service(), *(checks.of_page(url, everything=everything) if url else ())]
    wrong = [one for one in findings if one.mark == Mark.WRONG]
    if wrong:
        raise click.ClickException(f"{len(wrong)} of {len(findings)} checks failed.")
