"""The admin pages: for moderators, on our own pages only."""
