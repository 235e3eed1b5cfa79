"""The desk: for moderators, on our own pages only."""
