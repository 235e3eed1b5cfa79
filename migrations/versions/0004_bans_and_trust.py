"""bans and trust

Bans, the decisions that were part of one or took another back, and who confirmed an address. What an outside checker
of spam says is asked for by rows that a worker claims.
"""

from alembic import op
import sqlalchemy as sa


revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "ban",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("label", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_ban_moderator_id_moderator"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_ban_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ban_kind_value"), "ban", ["kind", "value"])
    op.create_index(op.f("ix_ban_site_id"), "ban", ["site_id"])
    with op.batch_alter_table("decision", table_kwargs={"sqlite_autoincrement": True}) as decision:
        decision.add_column(sa.Column("ban_id", sa.Integer(), nullable=True))
        decision.add_column(sa.Column("is_undo", sa.Boolean(), nullable=False, server_default=sa.false()))
        decision.create_foreign_key(op.f("fk_decision_ban_id_ban"), "ban", ["ban_id"], ["id"], ondelete="SET NULL")
        decision.create_index(op.f("ix_decision_ban_id"), ["ban_id"])
    op.create_table(
        "second_opinion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_second_opinion_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_opinion")),
        sa.UniqueConstraint("comment_id", name=op.f("uq_second_opinion_comment_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_second_opinion_state_due_at"), "second_opinion", ["state", "due_at"])
    # The defaults are for the sites that are there; new ones get theirs from the model.
    op.add_column("site", sa.Column("akismet_key", sa.String(length=100), nullable=False, server_default=""))
    akismet = "https://rest.akismet.com/1.1/comment-check"
    op.add_column("site", sa.Column("akismet_url", sa.String(length=500), nullable=False, server_default=akismet))
    op.add_column("subscription", sa.Column("confirmed_by", sa.String(length=32), nullable=True))
    op.create_index(op.f("ix_subscription_confirmed_by"), "subscription", ["confirmed_by"])


def downgrade() -> None:
    op.drop_index(op.f("ix_subscription_confirmed_by"), "subscription")
    op.drop_column("subscription", "confirmed_by")
    for column in ("akismet_url", "akismet_key"):
        op.drop_column("site", column)
    op.drop_table("second_opinion")
    with op.batch_alter_table("decision", table_kwargs={"sqlite_autoincrement": True}) as decision:
        decision.drop_index(op.f("ix_decision_ban_id"))
        decision.drop_constraint(op.f("fk_decision_ban_id_ban"), type_="foreignkey")
        decision.drop_column("is_undo")
        decision.drop_column("ban_id")
    op.drop_table("ban")
