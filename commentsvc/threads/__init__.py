"""Threads: find and open them, their rules, lists, moves."""
