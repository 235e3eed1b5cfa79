"""One table, one file. Importing the package makes every table known to the metadata."""

from commentsvc.models.announcement import Announcement
from commentsvc.models.backup import Backup
from commentsvc.models.ban import Ban
from commentsvc.models.channel import Channel
from commentsvc.models.comment import Comment
from commentsvc.models.configuration import Configuration
from commentsvc.models.daily_count import DailyCount
from commentsvc.models.decision import Decision
from commentsvc.models.delivery import Delivery
from commentsvc.models.email import Email
from commentsvc.models.email_item import EmailItem
from commentsvc.models.import_run import ImportRun
from commentsvc.models.imported import Imported
from commentsvc.models.imported_thread import ImportedThread
from commentsvc.models.learned_word import LearnedWord
from commentsvc.models.moderator import Moderator
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.moderator_session import ModeratorSession
from commentsvc.models.note import Note
from commentsvc.models.page_check import PageCheck
from commentsvc.models.passkey import Passkey
from commentsvc.models.ping import Ping
from commentsvc.models.recipient import Recipient
from commentsvc.models.revision import Revision
from commentsvc.models.saved_reply import SavedReply
from commentsvc.models.second_opinion import SecondOpinion
from commentsvc.models.sent_linkback import SentLinkback
from commentsvc.models.site import Site
from commentsvc.models.spent_challenge import SpentChallenge
from commentsvc.models.subscription import Subscription
from commentsvc.models.thread import Thread
from commentsvc.models.thread_alias import ThreadAlias
from commentsvc.models.watched_feed import WatchedFeed

__all__ = [
    "Announcement",
    "Backup",
    "Ban",
    "Channel",
    "Comment",
    "Configuration",
    "DailyCount",
    "Decision",
    "Delivery",
    "Email",
    "EmailItem",
    "ImportRun",
    "Imported",
    "ImportedThread",
    "LearnedWord",
    "Moderator",
    "ModeratorAction",
    "ModeratorSession",
    "Note",
    "PageCheck",
    "Passkey",
    "Ping",
    "Recipient",
    "Revision",
    "SavedReply",
    "SecondOpinion",
    "SentLinkback",
    "Site",
    "SpentChallenge",
    "Subscription",
    "Thread",
    "ThreadAlias",
    "WatchedFeed",
]
