"""Moderators' accounts: passwords, passkeys, one-time links, sessions."""
