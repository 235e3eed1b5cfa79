"""the version of the configuration

One number that rises when a site, a ban or a channel changes, or when a site gets its first subscription: processes
keep these in memory and compare it. Triggers raise it, so that nothing that writes can forget to. What a new comment
changes of its site (``news``) does not count.

A later migration that makes one of these tables anew on SQLite must make its triggers anew, too.
"""

from alembic import op
import sqlalchemy as sa


revision = "0010"
down_revision = "0009"

CHANGES = [(table, verb) for table in ("site", "ban", "channel") for verb in ("INSERT", "UPDATE", "DELETE")]
SITE_CHANGED = ("site", "UPDATE")
FIRST_SUBSCRIPTION = ("subscription", "INSERT")
HAS_OTHERS = "EXISTS (SELECT 1 FROM subscription WHERE site_id = NEW.site_id AND id <> NEW.id)"
RAISE = "UPDATE configuration SET version = version + 1"


def upgrade() -> None:
    table = op.create_table(
        "configuration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration")),
    )
    op.bulk_insert(table, [{"id": 1, "version": 1}])
    if op.get_bind().dialect.name == "sqlite":
        _triggers_of_sqlite()
    else:
        _triggers_of_postgresql()


def _triggers_of_sqlite() -> None:
    for table, verb in CHANGES:
        condition = "WHEN NEW.news IS OLD.news" if (table, verb) == SITE_CHANGED else ""
        op.execute(f"CREATE TRIGGER {_name(table, verb)} AFTER {verb} ON {table} {condition} BEGIN {RAISE}; END")
    op.execute(
        f"CREATE TRIGGER {_name(*FIRST_SUBSCRIPTION)} AFTER INSERT ON subscription"
        f" WHEN NOT {HAS_OTHERS} BEGIN {RAISE}; END"
    )


def _triggers_of_postgresql() -> None:
    _function("raise_configuration", f"{RAISE};")
    _function("raise_configuration_by_first", f"IF NOT {HAS_OTHERS} THEN {RAISE}; END IF;")
    for table, verb in CHANGES:
        condition = "WHEN (NEW.news IS NOT DISTINCT FROM OLD.news)" if (table, verb) == SITE_CHANGED else ""
        _at_commit(table, verb, condition, "raise_configuration")
    _at_commit(*FIRST_SUBSCRIPTION, "", "raise_configuration_by_first")


def _function(name: str, body: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$")


def _at_commit(table: str, verb: str, condition: str, function: str) -> None:
    """At the end of the transaction: whoever holds the row of the configuration waits for no other row."""
    op.execute(
        f"CREATE CONSTRAINT TRIGGER {_name(table, verb)} AFTER {verb} ON {table} DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW {condition} EXECUTE FUNCTION {function}()"
    )


def _name(table: str, verb: str) -> str:
    return f"{table}_{verb.lower()}_configures"


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, verb in (*CHANGES, FIRST_SUBSCRIPTION):
        op.execute(f"DROP TRIGGER {_name(table, verb)}" + ("" if is_sqlite else f" ON {table}"))
    if not is_sqlite:
        op.execute("DROP FUNCTION raise_configuration()")
        op.execute("DROP FUNCTION raise_configuration_by_first()")
    op.drop_table("configuration")
