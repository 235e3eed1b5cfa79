"""What a body says in our markup, and what is lost of it."""

from collections import Counter

from commentsvc.markup import html_to_markup, markdown_to_markup
from commentsvc.markup.html_to_markup import Converted
from commentsvc.transfer.records import Remark, Text


def convert(remark: Remark) -> Converted:
    """Return a remark's body as markup."""
    match remark.text:
        case Text.MARKUP:
            return Converted(remark.body)
        case Text.HTML | Text.BREAKS:
            return html_to_markup.convert(remark.body, breaks=remark.text == Text.BREAKS)
        case Text.MARKDOWN:
            return markdown_to_markup.convert(remark.body)
    return Converted(html_to_markup.escape(remark.body))


def is_worth_keeping(lost: Counter[str]) -> bool:
    """Return whether more than layout was lost, so that moderators should see the original."""
    return bool(set(lost) - html_to_markup.LAYOUT)
