"""Statements that are run with every comment: compiled once, then run as text.

SQLAlchemy spends most of the time of such a statement on finding what it compiled before, and on its values.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import CursorResult, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

from commentsvc.db import db

Processor = Callable[[Any], Any]


class Prepared:
    """A Core statement, made by ``build`` when it is first run.

    Rows are as the driver returns them: it is for statements that return numbers and texts, or nothing.
    """

    def __init__(self, build: Callable[[], Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def run(self, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute the statement in the current transaction."""
        connection = db.session.connection()
        compiled = self._compiled.get(connection.dialect.name)
        if compiled is None:
            compiled = self._compiled[connection.dialect.name] = _Compiled(self._statement, connection.dialect)
        return connection.exec_driver_sql(compiled.text, compiled.given(values))

    def number(self, values: Mapping[str, Any]) -> int:
        """Execute the statement; return the number in its first row, 0 if there is none."""
        return self.run(values).scalar() or 0

    @cached_property
    def _statement(self) -> Executable:
        return self._build()


class _Compiled:
    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        if not isinstance(compiled, SQLCompiler) or compiled.literal_execute_params or compiled.post_compile_params:
            raise TypeError("its text depends on its values")
        self.text = str(compiled)
        self._order = compiled.positiontup
        self._constants: dict[str, Any] = {}
        self._asked: list[tuple[str, str, Processor]] = []
        for bind, name in compiled.bind_names.items():
            processor = bind.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
            if bind.required:
                self._asked.append((name, bind.key, processor))
            else:
                self._constants[name] = processor(bind.effective_value)

    def given(self, values: Mapping[str, Any]) -> Any:
        """Return what the driver is given."""
        found = self._constants.copy()
        for name, key, processor in self._asked:
            found[name] = processor(values[key])
        return tuple([found[name] for name in self._order]) if self._order is not None else found


def _as_it_is(value: Any) -> Any:
    return value
