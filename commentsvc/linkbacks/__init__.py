"""Linkbacks: received at once, verified later, then shown; and sent to the pages our articles link to."""
