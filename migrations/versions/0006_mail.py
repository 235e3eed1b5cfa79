"""mail

Recipients and what they hear of; letters that are written out when they are sent, and the comments they tell of;
channels besides mail.
"""

from datetime import UTC, datetime

from alembic import op
import sqlalchemy as sa


revision = "0006"
down_revision = "0005"

MADE = {"sqlite_autoincrement": True}


def upgrade() -> None:
    _recipients()
    _let_go_of_subscriptions()
    _subscriptions()
    _letters()
    _channels()
    op.add_column("decision", sa.Column("is_by_owner", sa.Boolean(), nullable=False, server_default=sa.false()))


def _recipients() -> None:
    op.create_table(
        "recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("pace", sa.String(length=16), nullable=False),
        sa.Column("reach", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("bounces", sa.Integer(), nullable=False),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("email", name=op.f("uq_recipient_email")),
        **MADE,
    )
    op.execute(
        "INSERT INTO recipient (email, language, pace, reach, reason, bounces, created_at) "
        "SELECT lower(email), coalesce(max(CASE WHEN state = 'active' THEN language END), max(language)), "
        "'at-once', 'open', '', 0, min(created_at) FROM subscription GROUP BY lower(email)"
    )


def _let_go_of_subscriptions() -> None:
    """On SQLite remaking a table empties it first, and letters would go with their subscriptions."""
    op.execute(
        "CREATE TABLE letters_subscription AS "
        "SELECT id AS letter_id, subscription_id FROM letter WHERE subscription_id IS NOT NULL"
    )
    op.execute("UPDATE letter SET subscription_id = NULL")


def _subscriptions() -> None:
    for column in (
        sa.Column("recipient_id", sa.Integer(), nullable=True),
        sa.Column("topic", sa.String(length=16), nullable=False, server_default="replies"),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=500), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("asked_by", sa.String(length=32), nullable=True),
    ):
        op.add_column("subscription", column)
    of_comment = "(SELECT {} FROM comment c JOIN thread t ON c.thread_id = t.id WHERE c.id = subscription.comment_id)"
    op.execute(
        "UPDATE subscription SET "  # noqa: S608
        "recipient_id = (SELECT r.id FROM recipient r WHERE r.email = lower(subscription.email)), "
        f"site_id = {of_comment.format('t.site_id')}, key = {of_comment.format('t.key')}, "
        f"name = {of_comment.format('c.author')}, asked_by = {of_comment.format('c.visitor')}"
    )
    with _kept_numbers("subscription"), op.batch_alter_table("subscription", table_kwargs=MADE) as subscription:
        subscription.alter_column("comment_id", existing_type=sa.Integer(), nullable=True)
        for name, refers_to in (("recipient_id", "recipient"), ("site_id", "site")):
            subscription.alter_column(name, existing_type=sa.Integer(), nullable=False)
            key = op.f(f"fk_subscription_{name}_{refers_to}")
            subscription.create_foreign_key(key, refers_to, [name], ["id"], ondelete="CASCADE")
        subscription.drop_index("ix_subscription_email")
        subscription.drop_column("email")
        subscription.drop_column("language")
    op.create_index(op.f("ix_subscription_recipient_id"), "subscription", ["recipient_id"])
    op.create_index(op.f("ix_subscription_asked_by"), "subscription", ["asked_by"])
    for name, columns, topics in (
        ("thread", ["site_id", "key", "recipient_id"], "topic = 'thread'"),
        ("site", ["site_id", "topic", "recipient_id"], "topic IN ('site', 'held')"),
    ):
        where = sa.text(topics)
        name = f"ix_subscription_{name}_once"
        op.create_index(name, "subscription", columns, unique=True, sqlite_where=where, postgresql_where=where)


def _letters() -> None:
    op.create_table(
        "letter_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("occasion", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"], [f"{table}.id"], name=op.f(f"fk_letter_item_{table}_id_{table}"), ondelete="CASCADE"
            )
            for table in ("comment", "subscription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_item")),
        sa.UniqueConstraint("occasion", "recipient", name=op.f("uq_letter_item_occasion_recipient")),
        **MADE,
    )
    told = sa.text("SELECT id, occasion, recipient, state FROM letter").execution_options(yield_per=1000)
    with_items = [row for row in op.get_bind().execute(told) if not row.occasion.startswith("confirm-")]
    for letter in with_items:
        _remember(letter)
    with _kept_numbers("letter"), op.batch_alter_table("letter", table_kwargs=MADE) as letters:
        letters.add_column(sa.Column("kind", sa.String(length=16), nullable=False, server_default="confirm"))
        letters.add_column(sa.Column("language", sa.String(length=16), nullable=False, server_default="en"))
        letters.add_column(sa.Column("facts", sa.JSON(), nullable=False, server_default="{}"))
        letters.add_column(sa.Column("waits_for_server", sa.Boolean(), nullable=False, server_default=sa.false()))
        letters.drop_constraint("uq_letter_occasion_recipient", type_="unique")
        for column in ("html", "references", "list_id", "unsubscribe_url"):
            letters.drop_column(column)
    op.execute(
        "UPDATE letter SET recipient = lower(recipient), subscription_id = "
        "(SELECT s.subscription_id FROM letters_subscription s WHERE s.letter_id = letter.id)"
    )
    op.execute("UPDATE letter SET kind = 'reply' WHERE occasion LIKE 'reply-%'")
    op.execute("UPDATE letter SET kind = 'held' WHERE occasion LIKE 'held-%'")
    language = "(SELECT r.language FROM recipient r WHERE r.email = letter.recipient)"
    op.execute(f"UPDATE letter SET language = coalesce({language}, language)")  # noqa: S608
    op.drop_column("letter", "occasion")
    op.drop_table("letters_subscription")
    op.create_index(op.f("ix_letter_recipient_kind_created_at"), "letter", ["recipient", "kind", "created_at"])
    for column in ("sent_at", "created_at"):
        op.create_index(op.f(f"ix_letter_{column}"), "letter", [column])
    with op.batch_alter_table("letter_item", table_kwargs=MADE) as items:
        key = op.f("fk_letter_item_letter_id_letter")
        items.create_foreign_key(key, "letter", ["letter_id"], ["id"], ondelete="CASCADE")
    for column in ("letter_id", "comment_id", "subscription_id"):
        op.create_index(op.f(f"ix_letter_item_{column}"), "letter_item", [column])


def _remember(letter: sa.Row) -> None:
    """What a letter told, so that it is not told again; a queued one is written out from this."""
    number = int(letter.occasion.split("-")[1])
    comment = op.get_bind().execute(
        sa.text(
            "SELECT c.id, t.site_id, t.key, s.language FROM comment c "
            "JOIN thread t ON t.id = c.thread_id JOIN site s ON s.id = t.site_id WHERE c.id = :number"
        ),
        {"number": number},
    )
    about, recipient = comment.first(), letter.recipient.lower()
    if about is None:
        return
    if letter.occasion.startswith("held-"):
        subscription, occasion = _held_subscription(recipient, about), letter.occasion
    else:
        found = sa.text("SELECT subscription_id FROM letters_subscription WHERE letter_id = :id")
        subscription, occasion = op.get_bind().scalar(found, {"id": letter.id}), f"shown-{number}"
    if subscription is None:
        return
    op.get_bind().execute(
        sa.text(
            "INSERT INTO letter_item (letter_id, comment_id, subscription_id, occasion, recipient) "
            "VALUES (:letter, :comment, :subscription, :occasion, :recipient) ON CONFLICT DO NOTHING"
        ),
        {
            "letter": letter.id,
            "comment": number,
            "subscription": subscription,
            "occasion": occasion,
            "recipient": recipient,
        },
    )


def _held_subscription(email: str, about: sa.Row) -> int:
    """What a moderator hears of by a row from now on, and heard of before because somebody was one."""
    connection, now = op.get_bind(), datetime.now(UTC)
    connection.execute(
        sa.text(
            "INSERT INTO recipient (email, language, pace, reach, reason, bounces, created_at) "
            "VALUES (:email, :language, 'at-once', 'open', '', 0, :now) ON CONFLICT DO NOTHING"
        ).bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True))),
        {"email": email, "language": about.language, "now": now},
    )
    recipient = connection.scalar(sa.text("SELECT id FROM recipient WHERE email = :email"), {"email": email})
    connection.execute(
        sa.text(
            "INSERT INTO subscription (recipient_id, topic, site_id, state, name, created_at) "
            "VALUES (:recipient, 'held', :site, 'active', '', :now) ON CONFLICT DO NOTHING"
        ).bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True))),
        {"recipient": recipient, "site": about.site_id, "now": now},
    )
    of_site = sa.text(
        "SELECT id FROM subscription WHERE recipient_id = :recipient AND topic = 'held' AND site_id = :site"
    )
    found: int = connection.scalar(of_site, {"recipient": recipient, "site": about.site_id})
    return found


def _channels() -> None:
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("means", sa.String(length=16), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("former_secret", sa.String(length=100), nullable=False),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_channel_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        **MADE,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_delivery_channel_id_channel"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_delivery_message_id")),
        **MADE,
    )
    op.create_index(op.f("ix_delivery_state_due_at"), "delivery", ["state", "due_at"])
    op.create_index(op.f("ix_delivery_channel_id"), "delivery", ["channel_id"])


class _kept_numbers:  # noqa: N801 - a context manager, read as a phrase
    """SQLite counts anew when a table is remade, and links in mails name rows by number."""

    def __init__(self, table: str) -> None:
        self._table = {"table": table}

    def __enter__(self) -> None:
        self._is_needed = op.get_bind().dialect.name == "sqlite"
        if self._is_needed:
            last = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
            self._last = op.get_bind().scalar(last, self._table)

    def __exit__(self, *_: object) -> None:
        if self._is_needed and self._last is not None:
            forget = sa.text("DELETE FROM sqlite_sequence WHERE name = :table")
            op.get_bind().execute(forget, self._table)
            go_on = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
            op.get_bind().execute(go_on, self._table | {"last": self._last})


def downgrade() -> None:
    """Back to letters that are written at once: what waits, and what only the new tables know, is given up."""
    op.drop_column("decision", "is_by_owner")
    for table in ("delivery", "channel", "letter_item"):
        op.drop_table(table)
    op.execute("DELETE FROM letter")
    op.execute("DELETE FROM subscription WHERE topic <> 'replies'")
    for columns in ("recipient_kind_created_at", "sent_at", "created_at"):
        op.drop_index(op.f(f"ix_letter_{columns}"), "letter")
    with op.batch_alter_table("letter", table_kwargs=MADE) as letters:
        letters.add_column(sa.Column("occasion", sa.String(length=80), nullable=False))
        letters.add_column(sa.Column("html", sa.Text(), nullable=False))
        for name, kind in (
            ("references", sa.Text()),
            ("list_id", sa.String(length=300)),
            ("unsubscribe_url", sa.String(length=1000)),
        ):
            letters.add_column(sa.Column(name, kind, nullable=True))
        letters.create_unique_constraint(op.f("uq_letter_occasion_recipient"), ["occasion", "recipient"])
        for column in ("waits_for_server", "facts", "language", "kind"):
            letters.drop_column(column)
    for index in ("thread_once", "site_once", "recipient_id", "asked_by"):
        op.drop_index(f"ix_subscription_{index}", "subscription")
    op.add_column("subscription", sa.Column("email", sa.String(length=254), nullable=False, server_default=""))
    op.add_column("subscription", sa.Column("language", sa.String(length=16), nullable=False, server_default="en"))
    of_recipient = "(SELECT {} FROM recipient r WHERE r.id = subscription.recipient_id)"
    op.execute(
        f"UPDATE subscription SET email = {of_recipient.format('r.email')}, "  # noqa: S608
        f"language = {of_recipient.format('r.language')}"
    )
    with _kept_numbers("subscription"), op.batch_alter_table("subscription", table_kwargs=MADE) as subscription:
        subscription.alter_column("comment_id", existing_type=sa.Integer(), nullable=False)
        for name, refers_to in (("recipient_id", "recipient"), ("site_id", "site")):
            subscription.drop_constraint(f"fk_subscription_{name}_{refers_to}", type_="foreignkey")
        for column in ("recipient_id", "topic", "site_id", "key", "name", "asked_by"):
            subscription.drop_column(column)
        subscription.create_index(op.f("ix_subscription_email"), ["email"])
    op.drop_table("recipient")
