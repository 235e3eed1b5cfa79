"""linkbacks

Three protocols with a rule each, what a linkback's page says of the article, sources that are looked at again, and what
is sent to other blogs.
"""

from datetime import UTC, datetime, timedelta

from alembic import op
import sqlalchemy as sa


revision = "0005"
down_revision = "0004"

PROTOCOLS = ("trackbacks", "pingbacks", "webmentions")


def upgrade() -> None:
    _linkbacks_of_comments()
    _rules_of_sites()
    _life_of_pings()
    _sending()


def _linkbacks_of_comments() -> None:
    op.add_column("comment", sa.Column("response", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("comment", sa.Column("in_talk", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("comment", sa.Column("author_url", sa.String(length=2000), nullable=True))
    op.add_column("comment", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    comment = sa.table("comment", sa.column("kind"), sa.column("in_talk"), sa.column("response"))
    linkbacks = sa.update(comment).where(comment.c.kind != "comment")
    op.execute(linkbacks.values(in_talk=sa.false(), response="mention"))
    op.drop_index("ix_comment_thread_id_kind_state_root_id", "comment")
    op.create_index(
        "ix_comment_thread_id_in_talk_state_root_id", "comment", ["thread_id", "in_talk", "state", "root_id"]
    )


def _rules_of_sites() -> None:
    op.execute("ALTER TABLE site RENAME COLUMN trackbacks TO took_trackbacks")
    for name in PROTOCOLS:
        op.add_column("site", sa.Column(name, sa.String(length=16), nullable=False, server_default="like-comments"))
    site = sa.table("site", sa.column("took_trackbacks", sa.Boolean()), *(sa.column(name) for name in PROTOCOLS))
    none_wanted = sa.update(site).where(site.c.took_trackbacks.is_(False))
    op.execute(none_wanted.values(dict.fromkeys(PROTOCOLS, "off")))
    op.drop_column("site", "took_trackbacks")


def _life_of_pings() -> None:
    op.add_column("ping", sa.Column("is_resent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("ping", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ping", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    # What was verified before is looked at again, but not all of it in the minute after the upgrade.
    ping = sa.table("ping", sa.column("state"), sa.column("due_at", sa.DateTime(timezone=True)))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    op.execute(sa.update(ping).where(ping.c.state == "verified").values(due_at=tomorrow))
    op.drop_index("ix_ping_source_host_due_at", "ping")
    op.create_index("ix_ping_source_host_checked_at", "ping", ["source_host", "checked_at"])


def _sending() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("url_hash", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("excerpt", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_leased(),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_announcement_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
        sa.UniqueConstraint("site_id", "url_hash", name=op.f("uq_announcement_site_id_url_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sent_linkback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("announcement_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=2000), nullable=False),
        sa.Column("target_hash", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=16), nullable=False),
        sa.Column("endpoint", sa.String(length=2000), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("status_url", sa.String(length=2000), nullable=True),
        sa.Column("is_linked", sa.Boolean(), nullable=False),
        sa.Column("is_known", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        *_leased(),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_sent_linkback_announcement_id_announcement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_linkback")),
        sa.UniqueConstraint(
            "announcement_id", "target_hash", name=op.f("uq_sent_linkback_announcement_id_target_hash")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "watched_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("etag", sa.String(length=300), nullable=False),
        sa.Column("last_modified", sa.String(length=100), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        *_leased(),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_watched_feed_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_feed")),
        sa.UniqueConstraint("site_id", name=op.f("uq_watched_feed_site_id")),
        sqlite_autoincrement=True,
    )
    for table in ("announcement", "sent_linkback", "watched_feed"):
        op.create_index(op.f(f"ix_{table}_state_due_at"), table, ["state", "due_at"])


def _leased() -> tuple[sa.Column, ...]:
    return (
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
    )


def downgrade() -> None:
    for table in ("watched_feed", "sent_linkback", "announcement"):
        op.drop_table(table)
    op.drop_index("ix_ping_source_host_checked_at", "ping")
    op.create_index("ix_ping_source_host_due_at", "ping", ["source_host", "due_at"])
    for column in ("gone_at", "checked_at", "is_resent"):
        op.drop_column("ping", column)
    op.add_column("site", sa.Column("took_trackbacks", sa.Boolean(), nullable=False, server_default=sa.true()))
    site = sa.table("site", sa.column("took_trackbacks"), sa.column("trackbacks"))
    op.execute(sa.update(site).where(site.c.trackbacks == "off").values(took_trackbacks=sa.false()))
    for name in PROTOCOLS:
        op.drop_column("site", name)
    op.execute("ALTER TABLE site RENAME COLUMN took_trackbacks TO trackbacks")
    op.drop_index("ix_comment_thread_id_in_talk_state_root_id", "comment")
    op.create_index("ix_comment_thread_id_kind_state_root_id", "comment", ["thread_id", "kind", "state", "root_id"])
    for column in ("published_at", "author_url", "in_talk", "response"):
        op.drop_column("comment", column)
