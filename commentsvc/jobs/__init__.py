"""What is done outside of requests: emails, linkbacks, webhooks, checks, upkeep."""
