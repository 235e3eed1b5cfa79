"""Doors for programs: JSON in, JSON out, problem+json where something is refused."""
