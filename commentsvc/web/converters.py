"""What stands in the paths of routes: ids and keys."""

from werkzeug.routing import IntegerConverter, Map, PathConverter

from commentsvc.fields import MAX_ID


class IdConverter(IntegerConverter):
    """``<id:comment_id>`` in a route: the range of an id column, so that no other number reaches the database."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=MAX_ID)


class KeyConverter(PathConverter):
    """``<key:key>`` in a route: a thread's key, any text, also one that begins with a slash."""

    regex = r"[\s\S]+?"  # a template may leave a line break at its end
    part_isolating = False  # it spans slashes, which Werkzeug cannot tell from this expression
