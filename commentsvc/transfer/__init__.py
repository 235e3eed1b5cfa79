"""Bring comments in from other systems, and take them away."""
