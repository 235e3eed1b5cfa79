"""Comments: what is typed, where it goes, how it is read."""
