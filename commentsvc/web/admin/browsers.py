"""Names of browsers, from their user agents."""

# Each user agent also contains the names before it.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"))
ENGINES = (("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"))
KERNELS = (("Mac OS", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))


def name_of(user_agent: str) -> str:
    """Return such as ``Firefox, Linux``; the first word if neither is known, empty if there is none."""
    known = [_first(user_agent, BROWSERS + ENGINES), _first(user_agent, SYSTEMS + KERNELS)]
    return ", ".join(filter(None, known)) or user_agent.partition(" ")[0][:40]


def _first(user_agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
