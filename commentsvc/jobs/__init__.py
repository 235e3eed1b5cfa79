"""Background jobs: emails, the mailbox, linkbacks, webhooks, second opinions, imports, backups, checks, upkeep."""
