"""the desk

An index of all that was said, by words and by marks; threads with rules, further addresses and a last activity;
moderators' notes and saved answers; how long a site keeps what; numbers by day; articles to be looked at.

On SQLite the index is a virtual table, kept by triggers of the table ``comment``. A later migration that makes that
table anew must make the triggers anew, too.
"""

import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime

from alembic import op
import sqlalchemy as sa


revision = "0009"
down_revision = "0008"

MADE = {"sqlite_autoincrement": True}
INDEXED = ("said", "marks")
BATCH = 2000
LEFT_OUT = re.compile("[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u0652\u0670]")
NO_LETTER = re.compile(r"[\W_]")
SIGNS = ("Mn", "Mc")
UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def upgrade() -> None:
    _threads()
    _tables()
    for name, days in (("keep_addresses_days", 90), ("keep_spam_days", 90), ("keep_trash_days", 30)):
        op.add_column("site", sa.Column(name, sa.Integer(), nullable=False, server_default=str(days)))
    op.add_column("site", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_ping_comment_id"), "ping", ["comment_id"])
    op.create_index(op.f("ix_subscription_site_id"), "subscription", ["site_id"])
    op.add_column("decision", sa.Column("site_id", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE decision SET site_id = (SELECT thread.site_id FROM comment JOIN thread ON thread.id = comment.thread_id"
        " WHERE comment.id = decision.comment_id)"
    )
    op.create_index(op.f("ix_decision_site_id_id"), "decision", ["site_id", "id"])
    op.add_column("comment", sa.Column("site_id", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE comment SET site_id = (SELECT thread.site_id FROM thread WHERE thread.id = comment.thread_id)")
    op.create_index(op.f("ix_comment_site_id_state_id"), "comment", ["site_id", "state", "id"])
    for name in INDEXED:
        op.add_column("comment", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    known = sa.text("address_hash IS NOT NULL")
    op.create_index("ix_comment_address_age", "comment", ["created_at"], sqlite_where=known, postgresql_where=known)
    _mark_all()
    if op.get_bind().dialect.name == "sqlite":
        _index_in_sqlite()
    else:
        _index_in_postgresql()
    _count_days()


def _threads() -> None:
    op.add_column("thread", sa.Column("access", sa.String(length=16), nullable=False, server_default="open"))
    op.execute("UPDATE thread SET access = 'closed' WHERE NOT open")
    op.drop_column("thread", "open")
    for name, kind in (
        ("closed_at", sa.DateTime(timezone=True)),
        ("pinned_id", sa.Integer()),
        ("captcha", sa.String(length=16)),
        ("moderation", sa.String(length=16)),
        ("close_after_days", sa.Integer()),
        ("active_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("thread", sa.Column(name, kind, nullable=True))
    op.execute(
        "UPDATE thread SET active_at = coalesce((SELECT max(created_at) FROM comment"
        " WHERE thread_id = thread.id AND state = 'approved'), created_at)"
    )
    op.create_index(op.f("ix_thread_active_at_id"), "thread", ["active_at", "id"])
    op.create_index(op.f("ix_thread_site_id_active_at_id"), "thread", ["site_id", "active_at", "id"])


def _tables() -> None:
    op.create_table(
        "thread_alias",
        sa.Column("id", sa.Integer(), nullable=False),
        _reference("thread_alias", "site", "CASCADE"),
        sa.Column("key", sa.String(length=500), nullable=False),
        _reference("thread_alias", "thread", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_alias")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_thread_alias_site_id_key")),
        **MADE,
    )
    op.create_index(op.f("ix_thread_alias_thread_id"), "thread_alias", ["thread_id"])
    op.create_table(
        "note",
        sa.Column("id", sa.Integer(), nullable=False),
        _reference("note", "comment", "CASCADE"),
        _reference("note", "moderator", "SET NULL"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        **MADE,
    )
    op.create_index(op.f("ix_note_comment_id"), "note", ["comment_id"])
    op.create_table(
        "saved_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        _reference("saved_answer", "moderator", "CASCADE"),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_answer")),
        **MADE,
    )
    op.create_index(op.f("ix_saved_answer_moderator_id"), "saved_answer", ["moderator_id"])
    op.create_table(
        "tally",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "site_id", "event", name=op.f("pk_tally")),
    )
    op.create_table(
        "examination",
        sa.Column("id", sa.Integer(), nullable=False),
        _reference("examination", "site", "CASCADE"),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examination")),
        **MADE,
    )
    op.create_index(op.f("ix_examination_site_id"), "examination", ["site_id"])
    op.create_index(op.f("ix_examination_state_due_at"), "examination", ["state", "due_at"])


def _reference(table: str, to: str, then: str) -> sa.Column[int]:
    key = sa.ForeignKey(f"{to}.id", name=op.f(f"fk_{table}_{to}_id_{to}"), ondelete=then)
    return sa.Column(f"{to}_id", sa.Integer(), key, nullable=then == "SET NULL")


def _mark_all() -> None:
    """As ``Comment.marks`` and ``Comment.said`` were made when this was written."""
    connection, last = op.get_bind(), 0
    rows = sa.text(
        "SELECT comment.id, state, kind, thread.site_id, thread_id, comment.created_at, reasons,"
        " author, email, website, comment.title, body FROM comment JOIN thread ON thread.id = thread_id"
        " WHERE comment.id > :last ORDER BY comment.id LIMIT :most"
    )
    mark = sa.text("UPDATE comment SET marks = :marks, said = :said WHERE id = :id")
    while found := connection.execute(rows, {"last": last, "most": BATCH}).all():
        connection.execute(mark, [{"id": one.id, "marks": _marks(one), "said": _said(one)} for one in found])
        last = found[-1].id


def _marks(row: sa.Row) -> str:
    created = row.created_at if isinstance(row.created_at, datetime) else datetime.fromisoformat(row.created_at)
    day = (created.astimezone(UTC) if created.tzinfo else created).date()
    reasons = json.loads(row.reasons) if isinstance(row.reasons, str) else row.reasons
    said = [f"r{hashlib.sha256((one if isinstance(one, str) else one[0]).encode()).hexdigest()[:8]}" for one in reasons]
    marks = [row.state, row.kind, f"s{row.site_id}", f"t{row.thread_id}", f"d{day:%Y%m%d}", f"m{day:%Y%m}", *said]
    return " ".join(f"={one}" for one in marks)


def _said(row: sa.Row) -> str:
    text = "\n".join(filter(None, (row.author, row.email, row.website, row.title, row.body)))
    plain = LEFT_OUT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    spaced = UNSPACED.sub(r" \1 ", unicodedata.normalize("NFKC", plain))
    return " ".join(NO_LETTER.sub(lambda one: one[0] if unicodedata.category(one[0]) in SIGNS else " ", spaced).split())


def _index_in_sqlite() -> None:
    names = ", ".join(INDEXED)
    op.execute(
        f"CREATE VIRTUAL TABLE comment_search USING fts5({names}, content='comment', content_rowid='id',"
        " columnsize=0, tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'\")"
    )
    old, new = (", ".join(f"{row}.{name}" for name in ("id", *INDEXED)) for row in ("old", "new"))
    take_out = f"INSERT INTO comment_search(comment_search, rowid, {names}) VALUES ('delete', {old});"  # noqa: S608
    put_in = f"INSERT INTO comment_search(rowid, {names}) VALUES ({new});"  # noqa: S608
    for event, acts in (
        ("INSERT ON", put_in),
        ("DELETE ON", take_out),
        (f"UPDATE OF {names} ON", take_out + put_in),
    ):
        name = f"comment_search_{event.partition(' ')[0].lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} comment BEGIN {acts} END")
    op.execute("INSERT INTO comment_search(comment_search) VALUES ('rebuild')")


def _index_in_postgresql() -> None:
    op.execute(
        "ALTER TABLE comment ADD COLUMN search tsvector GENERATED ALWAYS AS"
        " (to_tsvector('simple', said) || array_to_tsvector(string_to_array(marks, ' '))) STORED"
    )
    op.execute("CREATE INDEX ix_comment_search ON comment USING gin (search)")
    op.create_index("ix_comment_age", "comment", ["created_at", "id"])


def _count_days() -> None:
    """What was counted from now on is counted for the time before as well, as far as the rows tell."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    day = "date(comment.created_at)" if is_sqlite else "(comment.created_at AT TIME ZONE 'UTC')::date"
    count = (
        "INSERT INTO tally (day, site_id, event, count, seconds)"
        " SELECT {day}, thread.site_id, '{event}', count(*), 0 FROM comment JOIN thread ON thread.id = thread_id"
        " JOIN decision ON decision.comment_id = comment.id AND decision.before IS NULL"
        " WHERE {which} GROUP BY {day}, thread.site_id"
    )
    for event, which in (
        ("posted", "1 = 1"),
        ("held", "decision.after = 'pending'"),
        ("spam", "decision.after = 'spam'"),
    ):
        op.execute(count.format(day=day, event=event, which=which))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER comment_search_{event}")
        op.execute("DROP TABLE comment_search")
    else:
        op.drop_index("ix_comment_age", "comment")
        op.drop_column("comment", "search")
    op.drop_index("ix_comment_address_age", "comment")
    op.drop_index(op.f("ix_decision_site_id_id"), "decision")
    op.drop_column("decision", "site_id")
    op.drop_index(op.f("ix_ping_comment_id"), "ping")
    op.drop_index(op.f("ix_subscription_site_id"), "subscription")
    op.drop_index(op.f("ix_comment_site_id_state_id"), "comment")
    for name in (*INDEXED, "site_id"):
        op.drop_column("comment", name)
    for name in ("keep_addresses_days", "keep_spam_days", "keep_trash_days", "removed_at"):
        op.drop_column("site", name)
    for table in ("examination", "tally", "saved_answer", "note", "thread_alias"):
        op.drop_table(table)
    op.drop_index(op.f("ix_thread_site_id_active_at_id"), "thread")
    op.drop_index(op.f("ix_thread_active_at_id"), "thread")
    op.add_column("thread", sa.Column("open", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE thread SET open = false WHERE access <> 'open'")
    for name in ("access", "closed_at", "pinned_id", "captcha", "moderation", "close_after_days", "active_at"):
        op.drop_column("thread", name)
