"""Convert bodies to our markup, and note what is lost."""

from collections import Counter

from commentsvc.markup import html_to_markup, markdown_to_markup
from commentsvc.markup.html_to_markup import Converted
from commentsvc.transfer.records import BodyFormat, SourceComment


def convert(record: SourceComment) -> Converted:
    """Return a record's body as markup."""
    match record.text:
        case BodyFormat.MARKUP:
            return Converted(record.body)
        case BodyFormat.HTML | BodyFormat.BREAKS:
            return html_to_markup.convert(record.body, breaks=record.text == BodyFormat.BREAKS)
        case BodyFormat.MARKDOWN:
            return markdown_to_markup.convert(record.body)
    return Converted(html_to_markup.escape(record.body))


def is_worth_keeping(lost: Counter[str]) -> bool:
    """Return whether more than layout was lost, so that moderators should see the original."""
    return bool(set(lost) - html_to_markup.LAYOUT)
