"""indexes that hold a thread's comments in the order in which they are read

Without them SQLite read all comments in their order until it had enough of the thread's.
"""

from alembic import op


revision = "0011"
down_revision = "0010"

BEFORE = ["thread_id", "in_talk", "state", "root_id"]
NOW = (["thread_id", "in_talk", "root_id", "id", "state"], ["thread_id", "state", "id"])


def upgrade() -> None:
    for columns in NOW:
        op.create_index(_name(columns), "comment", columns)
    op.drop_index(_name(BEFORE), "comment")


def _name(columns: list[str]) -> str:
    return f"ix_comment_{'_'.join(columns)}"


def downgrade() -> None:
    op.create_index(_name(BEFORE), "comment", BEFORE)
    for columns in NOW:
        op.drop_index(_name(columns), "comment")
