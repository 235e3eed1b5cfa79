"""moderators

Roles, and the sites of those who are no owners; passkeys; sessions that say where, and when their moderator last
showed who they are; moderators who were removed stay in the log.
"""

from alembic import op
import sqlalchemy as sa


revision = "0007"
down_revision = "0006"

MADE = {"sqlite_autoincrement": True}


def upgrade() -> None:
    op.add_column("moderator", sa.Column("role", sa.String(length=16), nullable=False, server_default="owner"))
    op.add_column("moderator", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "moderator_site",
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"], [f"{table}.id"], name=op.f(f"fk_moderator_site_{table}_id_{table}"), ondelete="CASCADE"
            )
            for table in ("moderator", "site")
        ),
        sa.PrimaryKeyConstraint("moderator_id", "site_id", name=op.f("pk_moderator_site")),
    )
    op.create_index(op.f("ix_moderator_site_site_id"), "moderator_site", ["site_id"])
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("credential", sa.String(length=1364), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_passkey_moderator_id_moderator"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
        **MADE,
    )
    op.create_index(op.f("ix_passkey_moderator_id"), "passkey", ["moderator_id"])
    op.add_column(
        "moderator_session", sa.Column("user_agent", sa.String(length=300), nullable=False, server_default="")
    )
    op.add_column("moderator_session", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("moderator_session", "confirmed_at")
    op.drop_column("moderator_session", "user_agent")
    op.drop_table("passkey")
    op.drop_table("moderator_site")
    op.execute("DELETE FROM moderator WHERE removed_at IS NOT NULL")
    op.drop_column("moderator", "removed_at")
    op.drop_column("moderator", "role")
