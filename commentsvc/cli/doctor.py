"""``doctor``: what is wrong with the service, or with an article's page, and what to do about it."""

import click

from commentsvc.cli import application


@click.command()
@click.argument("url", required=False, metavar="[ARTICLE_URL]")
@click.option("--all", "everything", is_flag=True, help="Also show what only very old software looks for.")
def doctor(url: str | None, everything: bool) -> None:
    """Check database, address, email, secret and clock, and with ARTICLE_URL its page, and say what to fix.

    Each line has a mark: ✓ right, – optional, ✗ to fix. They are in the language of the first owner.
    """
    from commentsvc import i18n
    from commentsvc.accounts import moderators
    from commentsvc.cli import checks
    from commentsvc.linkbacks.page_check import CheckStatus

    with (
        application.make(needs_secret=False, upgrades=False).app_context(),
        i18n.using_language(moderators.owners_language()),
    ):
        findings = [*checks.of_service(), *(checks.of_page(url, everything=everything) if url else ())]
        wrong = sum(one.status == CheckStatus.WRONG for one in findings)
        if wrong:
            raise click.ClickException(
                i18n.gettext("%(wrong)s of %(all)s checks failed.", wrong=wrong, all=len(findings))
            )
