"""editing and sharing

Comments may be edited by their writers; sites say for how long, where the form stands, and where readers may share.
"""

from alembic import op
import sqlalchemy as sa


revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_revision_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_revision_comment_id"), "revision", ["comment_id"])
    op.add_column("comment", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
    # The defaults are for the sites that are there; new ones get theirs from the model.
    op.add_column("site", sa.Column("edit_minutes", sa.Integer(), nullable=False, server_default="15"))
    op.add_column("site", sa.Column("composer", sa.String(length=16), nullable=False, server_default="last"))
    op.add_column("site", sa.Column("news", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("site", sa.Column("share", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    for column in ("share", "news", "composer", "edit_minutes"):
        op.drop_column("site", column)
    op.drop_column("comment", "edited_at")
    op.drop_table("revision")
