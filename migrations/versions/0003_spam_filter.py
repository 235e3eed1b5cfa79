"""spam filter

What moderators' decisions taught: words, and of each comment what it was learned as. A reason may hold values.
"""

from alembic import op
import sqlalchemy as sa


revision = "0003"
down_revision = "0002"

FOUND_BY = ("address_hash", "author", "email")


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
        op.create_index(op.f(f"ix_comment_{column}"), "comment", [column])
    op.add_column("comment", sa.Column("learned_as", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("comment", "learned_as")
    for column in FOUND_BY:
        op.drop_index(op.f(f"ix_comment_{column}"), "comment")
    op.drop_table("learned_word")
