"""What is said when a command fails."""

from sqlalchemy.exc import SQLAlchemyError

from commentsvc import i18n
from commentsvc.cli import NAME
from commentsvc.errors import InvalidFields, Refusal
from commentsvc.settings import WrongSetting


def sentence(problem: Exception) -> str | None:
    """One sentence about what went wrong; None for a mistake of ours, whose traceback tells more."""
    match problem:
        case InvalidFields():
            return " ".join(i18n.sentence(one) for one in problem.fields.values())
        case Refusal():
            return i18n.sentence(problem)
        case WrongSetting():
            return str(problem)
        case SQLAlchemyError():
            return f"The database does not do its work: {getattr(problem, 'orig', problem)}"
        case OSError():
            return f"{problem.filename or NAME}: {problem.strerror or problem}"
    return None
