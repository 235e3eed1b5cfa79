"""acts

What a moderator did, however many comments it was about, and what it takes to undo it as one.
"""

from alembic import op
import sqlalchemy as sa


revision = "0008"
down_revision = "0007"

REFERS = {"moderator": "SET NULL", "site": "CASCADE", "thread": "SET NULL", "comment": "SET NULL"}


def upgrade() -> None:
    op.create_table(
        "act",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(f"{table}_id", sa.Integer(), nullable=True) for table in REFERS),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"], [f"{table}.id"], name=op.f(f"fk_act_{table}_id_{table}"), ondelete=then
            )
            for table, then in REFERS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_act")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_act_moderator_id_undone_at_id"), "act", ["moderator_id", "undone_at", "id"])
    for table in ("site", "thread", "comment"):
        op.create_index(op.f(f"ix_act_{table}_id"), "act", [f"{table}_id"])
    with op.batch_alter_table("decision", table_kwargs={"sqlite_autoincrement": True}) as decision:
        decision.add_column(sa.Column("act_id", sa.Integer(), nullable=True))
        decision.create_foreign_key(op.f("fk_decision_act_id_act"), "act", ["act_id"], ["id"], ondelete="SET NULL")
    op.create_index(op.f("ix_decision_act_id"), "decision", ["act_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_decision_act_id"), "decision")
    with op.batch_alter_table("decision", table_kwargs={"sqlite_autoincrement": True}) as decision:
        decision.drop_constraint(op.f("fk_decision_act_id_act"), type_="foreignkey")
        decision.drop_column("act_id")
    op.drop_table("act")
