"""Comments, trackbacks and webmentions for any blog, on your own server."""

__version__ = "0.1.0"
