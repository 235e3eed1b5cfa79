"""Comments: post, edit, read, reply."""
