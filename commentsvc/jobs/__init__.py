"""Background jobs: emails, linkbacks, webhooks, checks, upkeep."""
