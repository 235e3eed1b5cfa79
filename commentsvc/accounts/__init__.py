"""Moderators: who they are, and how they show it: passwords, passkeys, one-time links, sessions."""
