"""Sites: adding and removing them, and their rules."""
