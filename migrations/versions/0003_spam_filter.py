"""spam filter

What moderators' decisions taught: words, and of each comment what it was learned as. A reason may hold values.
Words that hold a comment or make it spam, and how long the same text is refused, are rules of a site.
"""

from alembic import op
import sqlalchemy as sa


revision = "0003"
down_revision = "0002"

FOUND_BY = ("address_hash", "author", "body_hash", "email")


def upgrade() -> None:
    op.create_table(
        "learned_word",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=64), nullable=False),
        sa.Column("spam", sa.Integer(), nullable=False),
        sa.Column("ham", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_learned_word_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", "word", name=op.f("pk_learned_word")),
    )
    op.create_index(op.f("ix_learned_word_word"), "learned_word", ["word"])
    for column in FOUND_BY:
        op.create_index(op.f(f"ix_comment_{column}_state"), "comment", [column, "state"])
    op.drop_index(op.f("ix_comment_body_hash"), "comment")
    # The defaults are for the sites that are there; new ones get theirs from the model.
    op.add_column("site", sa.Column("hold_words", sa.Text(), nullable=False, server_default=""))
    op.add_column("site", sa.Column("disallowed_words", sa.Text(), nullable=False, server_default=""))
    op.add_column("site", sa.Column("same_text_hours", sa.Integer(), nullable=False, server_default="24"))
    op.add_column("comment", sa.Column("learned_as", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("comment", "learned_as")
    for column in ("same_text_hours", "disallowed_words", "hold_words"):
        op.drop_column("site", column)
    for column in FOUND_BY:
        op.drop_index(op.f(f"ix_comment_{column}_state"), "comment")
    op.create_index(op.f("ix_comment_body_hash"), "comment", ["body_hash"])
    op.drop_table("learned_word")
