"""Charts as SVG in the page's colours: bars from zero, and points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from commentsvc import i18n

WIDTH, HEIGHT = 640, 160  # units of the drawing; it is as wide as its container
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 26
GAP = 0.2  # of a day's room


@dataclass(frozen=True)
class Line:
    """Values of one kind per day; None for days without one. ``name`` is its CSS class."""

    name: str
    values: Sequence[float | None]


def bars(days: Sequence[date], lines: Sequence[Line], *, is_stacked: bool = False) -> Markup:
    """Draw bars per day; the second line is inside the first, or on top of it."""
    heights = [[value or 0 for value in line.values] for line in lines]
    sums = [sum(values) if is_stacked else max(values) for values in zip(*heights, strict=True)]
    top = _round_up(max(sums, default=0))
    drawn = []
    for at in range(len(days)):
        below = 0.0
        for line, values in zip(lines, heights, strict=True):
            if values[at]:
                drawn.append(_bar(line.name, at, len(days), below / top, values[at] / top))
                below += values[at] if is_stacked else 0
    return _framed(days, top, drawn)


def points(days: Sequence[date], line: Line) -> Markup:
    """Draw a point for each day with a value, and lines between neighbours."""
    top = _round_up(max((value for value in line.values if value is not None), default=0))
    places = [(_x(at + 0.5, len(days)), _y(value / top)) for at, value in enumerate(line.values) if value is not None]
    drawn = [f'<polyline class="{line.name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>']
    drawn += [f'<circle class="{line.name}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places]
    return _framed(days, top, drawn)


def _bar(name: str, at: int, count: int, below: float, height: float) -> str:
    room = (WIDTH - LEFT - RIGHT) / count
    x, y = _x(at, count) + room * GAP / 2, _y(below + height)
    tall = max(_y(below) - y, 1)
    return f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{room * (1 - GAP):.1f}" height="{tall:.1f}"/>'


def _framed(days: Sequence[date], top: float, drawn: list[str]) -> Markup:
    lines = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(part):.1f}" y2="{_y(part):.1f}"/>'
        for part in (0, 0.5, 1)
    ]
    scale = [
        f'<text x="{LEFT - 6}" y="{_y(part) + 4:.1f}" text-anchor="end">{escape(i18n.number(top * part))}</text>'
        for part in (0, 1)
    ]
    ends = [
        f'<text x="{x}" y="{HEIGHT - 4}" text-anchor="{anchor}">{escape(i18n.short_days(day))}</text>'
        for x, anchor, day in ((LEFT, "start", days[0]), (WIDTH - RIGHT, "end", days[-1]))
    ]
    body = "".join([*lines, *drawn, *scale, *ends])
    # Hidden from screen readers: the table behind it says the same, and better.
    return Markup(  # noqa: S704 - numbers, and texts that were escaped
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" focusable="false">{body}</svg>'
    )


def _x(at: float, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / count


def _y(part: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 …; 1 for zero."""
    step = 1.0
    while step < value:
        step = step * 2.5 if str(int(step)).startswith("2") else step * 2
    return step
