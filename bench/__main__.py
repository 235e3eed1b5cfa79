"""``python -m bench``: every measurement, one after the other."""

from importlib import import_module

NAMES = "admin backups captcha machine mail markup pages posting reading slow_bodies spam transfer writers"

for name in NAMES.split():
    import_module(f"bench.{name}").main()
