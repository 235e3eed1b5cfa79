"""Blogs: adding and removing them, their rules."""
