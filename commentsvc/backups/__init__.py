"""Backups: one archive with the database and the secret, made while the service runs, checked, and put back."""
