"""Statements that are run with every comment: compiled once, then run as text.

SQLAlchemy spends most of the time of such a statement on finding what it compiled before, and on its values.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Dialect, Executable, literal_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import replacement_traverse

from commentsvc import driver, postgresql
from commentsvc.db import db

Processor = Callable[[Any], Any]


class Prepared:
    """A Core statement, made by ``build`` when it is first run.

    Rows are as the driver returns them, which is enough for numbers and texts; ``to_python`` converts the others.
    """

    def __init__(self, build: Callable[[], Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def execute(self, values: Mapping[str, Any]) -> driver.Rows:
        """Execute the statement in the current transaction; return its rows."""
        connection = db.session.connection()
        compiled = self._for(connection.dialect)
        return driver.execute(connection, compiled.text, compiled.parameters(values), has_rows=compiled.has_rows)

    def execute_later(self, values: Mapping[str, Any]) -> None:
        """Execute a statement without rows in the current transaction; on PostgreSQL, just before the next one.

        Its errors come then, at the latest with the commit.
        """
        connection = db.session.connection()
        if connection.dialect.name == "sqlite":
            self.execute(values)
        else:
            compiled = self._for(connection.dialect)
            postgresql.execute_later(connection, compiled.text, compiled.parameters(values))

    def fetch_one(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Execute a statement that always returns one row; return that."""
        [row] = self.execute(values)
        return row

    def fetch_int(self, values: Mapping[str, Any]) -> int:
        """Execute the statement; return the number in its first row, 0 if there is none."""
        rows = self.execute(values)
        return rows[0][0] or 0 if rows else 0

    def to_python(self, row: Sequence[Any]) -> list[Any]:
        """Return a row's values as the ORM would."""
        convert = self._for(db.engine.dialect).results
        return [processor(value) for processor, value in zip(convert, row, strict=True)]

    def _for(self, dialect: Dialect) -> "_Compiled":
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._statement, dialect)
        return compiled

    @cached_property
    def _statement(self) -> Executable:
        return self._build()


class _Compiled:
    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = _with_constants(statement, dialect).compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler) or compiled.literal_execute_params or compiled.post_compile_params:
            raise TypeError("its text depends on its values")
        self.text = str(compiled)
        self.has_rows = statement.is_select or bool(compiled.effective_returning)
        places = compiled.positiontup if compiled.positiontup is not None else list(compiled.binds)
        self._names = places if compiled.positiontup is None else None
        self._template: list[Any] = [None] * len(places)  # with the constants; most places hold one
        self._variables: list[tuple[str, Processor, list[int]]] = []
        for name, bind in compiled.binds.items():
            processor = bind.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
            positions = [index for index, place in enumerate(places) if place == name]
            if bind.required:
                self._variables.append((bind.key, processor, positions))
                continue
            for index in positions:
                self._template[index] = processor(bind.effective_value)
        kinds = (column.type.dialect_impl(dialect) for column in getattr(statement, "selected_columns", ()))
        self.results = [kind.result_processor(dialect, None) or _as_it_is for kind in kinds]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return what the driver is given."""
        found = self._template.copy()
        for key, processor, places in self._variables:
            value = processor(values[key])
            for place in places:
                found[place] = value
        return tuple(found) if self._names is None else dict(zip(self._names, found, strict=True))


def _with_constants(statement: Any, dialect: Dialect) -> Any:
    """Inline the constants into the text of a SELECT: it may have ten times as many as variables."""

    def written(element: Any, **_: Any) -> Any:
        if not isinstance(element, BindParameter) or element.required:
            return None
        write = element.type.dialect_impl(dialect).literal_processor(dialect)
        if write is None or "%" in str(element.effective_value):  # which drivers double in their own ways
            return None
        return literal_column(write(element.effective_value), element.type)

    return replacement_traverse(statement, {}, written) if statement.is_select else statement


def _as_it_is(value: Any) -> Any:
    return value
