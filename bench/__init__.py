"""Measure what the documents claim; each script compares things side by side in one run."""
