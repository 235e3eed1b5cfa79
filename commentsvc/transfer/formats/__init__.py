"""One module a format: its marks and fields, and nothing of the database."""
