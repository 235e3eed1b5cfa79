"""``doctor``: what is wrong with the service, or with an article's page, and what to do about it."""

import click

from commentsvc.cli import application


@click.command()
@click.argument("url", required=False, metavar="[ARTICLE_URL]")
def doctor(url: str | None) -> None:
    """Check database, address, mail, secret and clock, and with ARTICLE_URL its page; say in words what to mend."""
    from commentsvc.cli import checks

    with application.make().app_context():
        findings = [*checks.of_service(), *(checks.of_page(url) if url else ())]
    wrong = [one for one in findings if not one.is_fine]
    if wrong:
        raise click.ClickException(f"{len(wrong)} of {len(findings)} checks found something to mend.")
