"""The first schema.

``comment_search`` is the full-text index. On SQLite it is a virtual table that triggers of ``comment`` keep up to
date; on PostgreSQL a generated column.

``configuration`` holds one number, which triggers raise whenever a site, a ban or a channel changes, or a site gets its
first subscription. Processes keep these in memory and compare the number.

A later migration that rebuilds one of these tables on SQLite must create its triggers again.
"""

from alembic import op
import sqlalchemy as sa


revision = "0001"
down_revision = None

INDEXED = ("search_text", "search_tags")
CHANGES = [(table, verb) for table in ("site", "ban", "channel") for verb in ("INSERT", "UPDATE", "DELETE")]
SITE_CHANGED = ("site", "UPDATE")
FIRST_SUBSCRIPTION = ("subscription", "INSERT")
HAS_EARLIER = "EXISTS (SELECT 1 FROM subscription WHERE site_id = NEW.site_id AND id < NEW.id)"
RAISE = "UPDATE configuration SET version = version + 1"


def upgrade() -> None:
    _create_tables()
    op.execute("INSERT INTO configuration (id, version) VALUES (1, 1)")
    if op.get_bind().dialect.name == "sqlite":
        _index_text_in_sqlite()
        _watch_configuration_in_sqlite()
    else:
        _index_text_in_postgresql()
        _watch_configuration_in_postgresql()


def _create_tables() -> None:
    op.create_table(
        "backup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_backup_ended_at"), "backup", ["ended_at"])
    op.create_table(
        "configuration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("read_only", sa.Text(), nullable=True),
        sa.Column("secret_mark", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration")),
    )
    op.create_table(
        "daily_count",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "site_id", "event", name=op.f("pk_daily_count")),
    )
    op.create_table(
        "moderator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("badge", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderator")),
        sa.UniqueConstraint("email", name=op.f("uq_moderator_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("frequency", sa.String(length=16), nullable=False),
        sa.Column("mail_status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("bounces", sa.Integer(), nullable=False),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sa.UniqueConstraint("email", name=op.f("uq_recipient_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("captcha", sa.String(length=16), nullable=False),
        sa.Column("first_challenge", sa.String(length=16), nullable=False),
        sa.Column("moderation", sa.String(length=16), nullable=False),
        sa.Column("view", sa.String(length=16), nullable=False),
        sa.Column("hold_links", sa.Integer(), nullable=False),
        sa.Column("hold_words", sa.Text(), nullable=False),
        sa.Column("disallowed_words", sa.Text(), nullable=False),
        sa.Column("akismet_key", sa.String(length=100), nullable=False),
        sa.Column("akismet_url", sa.String(length=500), nullable=False),
        sa.Column("same_text_hours", sa.Integer(), nullable=False),
        sa.Column("close_after_days", sa.Integer(), nullable=True),
        sa.Column("comments_per_minute", sa.Integer(), nullable=False),
        sa.Column("page_size", sa.Integer(), nullable=False),
        sa.Column("edit_minutes", sa.Integer(), nullable=False),
        sa.Column("composer", sa.String(length=16), nullable=False),
        sa.Column("share", sa.JSON(), nullable=False),
        sa.Column("trackbacks", sa.String(length=16), nullable=False),
        sa.Column("pingbacks", sa.String(length=16), nullable=False),
        sa.Column("webmentions", sa.String(length=16), nullable=False),
        sa.Column("keep_addresses_days", sa.Integer(), nullable=False),
        sa.Column("keep_spam_days", sa.Integer(), nullable=False),
        sa.Column("keep_trash_days", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("activity_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("key", name=op.f("uq_site_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "spent_challenge",
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("solved_by", sa.String(length=32), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_spent_challenge")),
    )
    op.create_index(op.f("ix_spent_challenge_expires_at"), "spent_challenge", ["expires_at"])
    op.create_index(op.f("ix_spent_challenge_solved_by"), "spent_challenge", ["solved_by"])
    op.create_table(
        "announcement",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("url_hash", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("excerpt", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_announcement_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
        sa.UniqueConstraint("site_id", "url_hash", name=op.f("uq_announcement_site_id_url_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_announcement_state_due_at"), "announcement", ["state", "due_at"])
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
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("former_secret", sa.String(length=100), nullable=False),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_channel_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sqlite_autoincrement=True,
    )
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
    op.create_table(
        "moderator_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("link_nonce", sa.String(length=32), nullable=True),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["moderator_id"],
            ["moderator.id"],
            name=op.f("fk_moderator_session_moderator_id_moderator"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderator_session")),
        sa.UniqueConstraint("link_nonce", name=op.f("uq_moderator_session_link_nonce")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_moderator_session_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_moderator_session_moderator_id"), "moderator_session", ["moderator_id"])
    op.create_table(
        "moderator_site",
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["moderator_id"],
            ["moderator.id"],
            name=op.f("fk_moderator_site_moderator_id_moderator"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_moderator_site_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("moderator_id", "site_id", name=op.f("pk_moderator_site")),
    )
    op.create_index(op.f("ix_moderator_site_site_id"), "moderator_site", ["site_id"])
    op.create_table(
        "page_check",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_page_check_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_check")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_page_check_site_id"), "page_check", ["site_id"])
    op.create_index(op.f("ix_page_check_state_due_at"), "page_check", ["state", "due_at"])
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("credential", sa.String(length=1364), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_passkey_moderator_id_moderator"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_passkey_moderator_id"), "passkey", ["moderator_id"])
    op.create_table(
        "saved_reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_saved_reply_moderator_id_moderator"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_reply")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_saved_reply_moderator_id"), "saved_reply", ["moderator_id"])
    op.create_table(
        "thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("access", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("comment_count", sa.Integer(), nullable=False),
        sa.Column("linkback_count", sa.Integer(), nullable=False),
        sa.Column("captcha", sa.String(length=16), nullable=True),
        sa.Column("moderation", sa.String(length=16), nullable=True),
        sa.Column("close_after_days", sa.Integer(), nullable=True),
        sa.Column("pinned_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_thread_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_thread_site_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_thread_active_at_id"), "thread", ["active_at", "id"])
    op.create_index(op.f("ix_thread_site_id_active_at_id"), "thread", ["site_id", "active_at", "id"])
    op.create_table(
        "watched_feed",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("etag", sa.String(length=300), nullable=False),
        sa.Column("last_modified", sa.String(length=100), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_watched_feed_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_feed")),
        sa.UniqueConstraint("site_id", name=op.f("uq_watched_feed_site_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_watched_feed_state_due_at"), "watched_feed", ["state", "due_at"])
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("root_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("response", sa.String(length=16), nullable=False),
        sa.Column("is_discussion", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("learned_as", sa.String(length=8), nullable=True),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("website", sa.String(length=2000), nullable=True),
        sa.Column("author_url", sa.String(length=2000), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("article_url", sa.String(length=2000), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("visitor", sa.String(length=32), nullable=True),
        sa.Column("address_hash", sa.String(length=32), nullable=True),
        sa.Column("seed", sa.String(length=32), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("search_tags", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_comment_moderator_id_moderator"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["comment.id"], name=op.f("fk_comment_parent_id_comment"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["root_id"], ["comment.id"], name=op.f("fk_comment_root_id_comment"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["thread.id"], name=op.f("fk_comment_thread_id_thread"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_comment_idempotency_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_comment_address_age",
        "comment",
        ["created_at"],
        sqlite_where=sa.text("address_hash IS NOT NULL"),
        postgresql_where=sa.text("address_hash IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_comment_address_hash_state"),
        "comment",
        ["address_hash", "state"],
        sqlite_where=sa.text("address_hash IS NOT NULL"),
        postgresql_where=sa.text("address_hash IS NOT NULL"),
    )
    op.create_index(op.f("ix_comment_author_state"), "comment", ["author", "state"])
    op.create_index(op.f("ix_comment_body_hash_state"), "comment", ["body_hash", "state"])
    op.create_index(
        op.f("ix_comment_email_state"),
        "comment",
        ["email", "state"],
        sqlite_where=sa.text("email IS NOT NULL"),
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_comment_parent_id"),
        "comment",
        ["parent_id"],
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_comment_root_id"),
        "comment",
        ["root_id"],
        sqlite_where=sa.text("root_id IS NOT NULL"),
        postgresql_where=sa.text("root_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_comment_site_id_state_id"), "comment", ["site_id", "state", "id"])
    op.create_index(op.f("ix_comment_site_id_state_written_at_id"), "comment", ["site_id", "state", "written_at", "id"])
    op.create_index(op.f("ix_comment_state_id"), "comment", ["state", "id"])
    op.create_index(
        op.f("ix_comment_thread_id_is_discussion_root_id_written_at_id_state"),
        "comment",
        ["thread_id", "is_discussion", "root_id", "written_at", "id", "state"],
    )
    op.create_index(
        op.f("ix_comment_thread_id_state_written_at_id"), "comment", ["thread_id", "state", "written_at", "id"]
    )
    op.create_index(
        op.f("ix_comment_visitor"),
        "comment",
        ["visitor"],
        sqlite_where=sa.text("visitor IS NOT NULL"),
        postgresql_where=sa.text("visitor IS NOT NULL"),
    )
    op.create_table(
        "delivery",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_delivery_channel_id_channel"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_delivery_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_channel_id"), "delivery", ["channel_id"])
    op.create_index(op.f("ix_delivery_state_due_at"), "delivery", ["state", "due_at"])
    op.create_table(
        "sent_linkback",
        sa.Column("announcement_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=2000), nullable=False),
        sa.Column("target_hash", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=16), nullable=False),
        sa.Column("endpoint", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("status_url", sa.String(length=2000), nullable=True),
        sa.Column("is_linked", sa.Boolean(), nullable=False),
        sa.Column("is_known", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
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
    op.create_index(op.f("ix_sent_linkback_state_due_at"), "sent_linkback", ["state", "due_at"])
    op.create_table(
        "thread_alias",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_thread_alias_site_id_site"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["thread.id"], name=op.f("fk_thread_alias_thread_id_thread"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_alias")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_thread_alias_site_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_thread_alias_thread_id"), "thread_alias", ["thread_id"])
    op.create_table(
        "moderator_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("thread_id", sa.Integer(), nullable=True),
        sa.Column("comment_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=16), nullable=False),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("undo_data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_moderator_action_comment_id_comment"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["moderator_id"],
            ["moderator.id"],
            name=op.f("fk_moderator_action_moderator_id_moderator"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_moderator_action_site_id_site"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["thread.id"], name=op.f("fk_moderator_action_thread_id_thread"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderator_action")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_moderator_action_comment_id"), "moderator_action", ["comment_id"])
    op.create_index(
        op.f("ix_moderator_action_moderator_id_undone_at_id"), "moderator_action", ["moderator_id", "undone_at", "id"]
    )
    op.create_index(op.f("ix_moderator_action_site_id"), "moderator_action", ["site_id"])
    op.create_index(op.f("ix_moderator_action_thread_id"), "moderator_action", ["thread_id"])
    op.create_table(
        "note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_note_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_note_moderator_id_moderator"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_note_comment_id"), "note", ["comment_id"])
    op.create_table(
        "ping",
        sa.Column("protocol", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("target", sa.String(length=2000), nullable=False),
        sa.Column("source", sa.String(length=2000), nullable=False),
        sa.Column("source_hash", sa.String(length=64), nullable=False),
        sa.Column("source_host", sa.String(length=2000), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("blog_name", sa.String(length=200), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=True),
        sa.Column("comment_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("is_resent", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_ping_comment_id_comment"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_ping_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ping")),
        sa.UniqueConstraint("site_id", "key", "source_hash", name=op.f("uq_ping_site_id_key_source_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ping_comment_id"), "ping", ["comment_id"])
    op.create_index(op.f("ix_ping_source_host_checked_at"), "ping", ["source_host", "checked_at"])
    op.create_index(op.f("ix_ping_state_due_at"), "ping", ["state", "due_at"])
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
    op.create_table(
        "second_opinion",
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
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
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=True),
        sa.Column("comment_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=32), nullable=True),
        sa.Column("confirmed_by", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_subscription_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_subscription_recipient_id_recipient"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_subscription_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("comment_id", name=op.f("uq_subscription_comment_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_subscription_requested_by"), "subscription", ["requested_by"])
    op.create_index(op.f("ix_subscription_confirmed_by"), "subscription", ["confirmed_by"])
    op.create_index(op.f("ix_subscription_recipient_id"), "subscription", ["recipient_id"])
    op.create_index(op.f("ix_subscription_site_id"), "subscription", ["site_id"])
    op.create_index(
        "ix_subscription_site_once",
        "subscription",
        ["site_id", "topic", "recipient_id"],
        unique=True,
        sqlite_where=sa.text("topic IN ('site', 'held')"),
        postgresql_where=sa.text("topic IN ('site', 'held')"),
    )
    op.create_index(
        "ix_subscription_thread_once",
        "subscription",
        ["site_id", "key", "recipient_id"],
        unique=True,
        sqlite_where=sa.text("topic = 'thread'"),
        postgresql_where=sa.text("topic = 'thread'"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("ban_id", sa.Integer(), nullable=True),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.Column("is_undo", sa.Boolean(), nullable=False),
        sa.Column("is_by_mailbox", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["moderator_action.id"],
            name=op.f("fk_decision_action_id_moderator_action"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["ban_id"], ["ban.id"], name=op.f("fk_decision_ban_id_ban"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_decision_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_decision_moderator_id_moderator"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_decision_action_id"),
        "decision",
        ["action_id"],
        sqlite_where=sa.text("action_id IS NOT NULL"),
        postgresql_where=sa.text("action_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_decision_ban_id"),
        "decision",
        ["ban_id"],
        sqlite_where=sa.text("ban_id IS NOT NULL"),
        postgresql_where=sa.text("ban_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_decision_comment_id"), "decision", ["comment_id"])
    op.create_index(op.f("ix_decision_site_id_id"), "decision", ["site_id", "id"])
    op.create_table(
        "import_run",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=True),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("is_dry", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["moderator_action.id"],
            name=op.f("fk_import_run_action_id_moderator_action"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_import_run_moderator_id_moderator"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_import_run_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_import_run_site_id"), "import_run", ["site_id"])
    op.create_index(op.f("ix_import_run_state_due_at"), "import_run", ["state", "due_at"])
    op.create_table(
        "imported",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=True),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["moderator_action.id"],
            name=op.f("fk_imported_action_id_moderator_action"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_imported_comment_id_comment"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_imported_site_id_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported")),
        sa.UniqueConstraint("site_id", "source", "key", name=op.f("uq_imported_site_id_source_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_imported_action_id"), "imported", ["action_id"])
    op.create_index(op.f("ix_imported_comment_id"), "imported", ["comment_id"])
    op.create_table(
        "imported_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["moderator_action.id"],
            name=op.f("fk_imported_thread_action_id_moderator_action"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["thread.id"], name=op.f("fk_imported_thread_thread_id_thread"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_thread")),
        sa.UniqueConstraint("thread_id", name=op.f("uq_imported_thread_thread_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_imported_thread_action_id"), "imported_thread", ["action_id"])
    op.create_table(
        "email",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("last_answer", sa.String(length=500), nullable=False),
        sa.Column("waits_for_server", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
            name=op.f("fk_email_subscription_id_subscription"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email")),
        sa.UniqueConstraint("message_id", name=op.f("uq_email_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_email_created_at"), "email", ["created_at"])
    op.create_index(op.f("ix_email_recipient_kind_created_at"), "email", ["recipient", "kind", "created_at"])
    op.create_index(op.f("ix_email_sent_at"), "email", ["sent_at"])
    op.create_index(op.f("ix_email_state_due_at"), "email", ["state", "due_at"])
    op.create_index(op.f("ix_email_subscription_id"), "email", ["subscription_id"])
    op.create_table(
        "email_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email_id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_email_item_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["email_id"], ["email.id"], name=op.f("fk_email_item_email_id_email"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscription.id"],
            name=op.f("fk_email_item_subscription_id_subscription"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_item")),
        sa.UniqueConstraint("dedupe_key", "recipient", name=op.f("uq_email_item_dedupe_key_recipient")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_email_item_comment_id"), "email_item", ["comment_id"])
    op.create_index(op.f("ix_email_item_email_id"), "email_item", ["email_id"])
    op.create_index(op.f("ix_email_item_subscription_id"), "email_item", ["subscription_id"])


def _index_text_in_sqlite() -> None:
    names = ", ".join(INDEXED)
    op.execute(
        f"CREATE VIRTUAL TABLE comment_search USING fts5({names}, content='comment', content_rowid='id',"
        " columnsize=0, tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'\")"
    )
    old, new = (", ".join(f"{row}.{name}" for name in ("id", *INDEXED)) for row in ("old", "new"))
    remove = f"INSERT INTO comment_search(comment_search, rowid, {names}) VALUES ('delete', {old});"  # noqa: S608
    add = f"INSERT INTO comment_search(rowid, {names}) VALUES ({new});"  # noqa: S608
    for event, effect in (
        ("INSERT ON", add),
        ("DELETE ON", remove),
        (f"UPDATE OF {names} ON", remove + add),
    ):
        name = f"comment_search_{event.partition(' ')[0].lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} comment BEGIN {effect} END")


def _index_text_in_postgresql() -> None:
    op.execute(
        "ALTER TABLE comment ADD COLUMN search tsvector GENERATED ALWAYS AS"
        " (to_tsvector('simple', search_text) || array_to_tsvector(string_to_array(search_tags, ' '))) STORED"
    )
    op.execute("CREATE INDEX ix_comment_search ON comment USING gin (search)")
    op.create_index("ix_comment_age", "comment", ["created_at", "id"])


def _watch_configuration_in_sqlite() -> None:
    for table, verb in CHANGES:
        condition = "WHEN NEW.activity_version IS OLD.activity_version" if (table, verb) == SITE_CHANGED else ""
        op.execute(f"CREATE TRIGGER {_name(table, verb)} AFTER {verb} ON {table} {condition} BEGIN {RAISE}; END")
    op.execute(
        f"CREATE TRIGGER {_name(*FIRST_SUBSCRIPTION)} AFTER INSERT ON subscription"
        f" WHEN NOT {HAS_EARLIER} BEGIN {RAISE}; END"
    )


def _watch_configuration_in_postgresql() -> None:
    _create_function("raise_configuration", f"{RAISE};")
    _create_function("raise_configuration_by_first", f"IF NOT {HAS_EARLIER} THEN {RAISE}; END IF;")
    for table, verb in CHANGES:
        condition = (
            "WHEN (NEW.activity_version IS NOT DISTINCT FROM OLD.activity_version)"
            if (table, verb) == SITE_CHANGED
            else ""
        )
        _run_at_commit(table, verb, condition, "raise_configuration")
    _run_at_commit(*FIRST_SUBSCRIPTION, "", "raise_configuration_by_first")


def _create_function(name: str, body: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$")


def _run_at_commit(table: str, verb: str, condition: str, function: str) -> None:
    """Deferred to the end of the transaction, so that nobody waits for another row while holding this one."""
    op.execute(
        f"CREATE CONSTRAINT TRIGGER {_name(table, verb)} AFTER {verb} ON {table} DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW {condition} EXECUTE FUNCTION {function}()"
    )


def _name(table: str, verb: str) -> str:
    return f"{table}_{verb.lower()}_configures"
