"""The key of a thread as part of a path: any text, also one that begins with a slash."""

from werkzeug.routing import PathConverter


class KeyConverter(PathConverter):
    """``<key:key>`` in a route."""

    regex = r"[\s\S]+?"  # a template may leave a line break at its end
    part_isolating = False  # it goes on over slashes, which Werkzeug cannot tell from this expression
