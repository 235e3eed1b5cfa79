"""Threads: finding and opening them, their rules, lists, moves."""
