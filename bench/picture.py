"""Charts as SVG: bars in groups on a logarithmic scale with their figures beside them, and curves of shares."""

import math
from html import escape

WIDTH, LEFT, BAR, GAP = 720, 150, 18, 26  # pixels
COLOURS = {"ours": "#1f5f57", "nginx": "#8a8a8a", "Isso": "#c48a3a"}


def bars(results: dict[str, dict[str, float]], caption: str) -> str:
    """The chart; figures below one have no bar."""
    most = math.log10(max(figure for figures in results.values() for figure in figures.values()))
    parts, y = [], 24
    for what, figures in results.items():
        parts.append(f'<text x="0" y="{y}" font-weight="600">{escape(what)}</text>')
        for name, figure in figures.items():
            y += BAR + 4
            length = (WIDTH - LEFT - 90) * max(0.0, math.log10(max(figure, 1.0))) / most
            colour = COLOURS.get(name, "#666")
            parts.append(f'<text x="{LEFT - 8}" y="{y}" text-anchor="end">{escape(name)}</text>')
            parts.append(
                f'<rect x="{LEFT}" y="{y - BAR + 5}" width="{length:.0f}" height="{BAR - 2}" rx="3" fill="{colour}"/>'
            )
            parts.append(f'<text x="{LEFT + length + 6:.0f}" y="{y}">{figure:,.0f}</text>')
        y += BAR + GAP
    parts.append(f'<text x="0" y="{y}" fill="#666">{escape(caption)}</text>')
    return _svg("".join(parts), y + 12, caption)


def lines(curves: dict[str, list[tuple[float, float]]], caption: str) -> str:
    """Shares from 0 to 1 over numbers, a line for each curve, named at its end."""
    most = max(x for points in curves.values() for x, _ in points)
    left, right, top, height = 48, 190, 20, 300
    across = WIDTH - left - right
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + height * (1 - share)
        parts.append(f'<path d="M{left} {y:.0f}H{left + across}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 5:.0f}" text-anchor="end">{share:.0%}</text>')
    for at, (name, points) in enumerate(curves.items()):
        places = [(left + across * x / most, top + height * (1 - share)) for x, share in points]
        colour = tuple(COLOURS.values())[at // 2 * 2 % len(COLOURS)]
        dashes = ' stroke-dasharray="6 4"' if at % 2 else ""
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        y = top + 16 + at * 20
        parts.append(f'<path d="M{left + across + 10} {y - 5}h24" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        parts.append(f'<text x="{left + across + 40}" y="{y}">{escape(name)}</text>')
    for x in (0, most / 2, most):
        parts.append(
            f'<text x="{left + across * x / most:.0f}" y="{top + height + 20}" text-anchor="middle">{x:.0f}</text>'
        )
    parts.append(f'<text x="{left}" y="{top + height + 46}" fill="#666">{escape(caption)}</text>')
    return _svg("".join(parts), top + height + 58, caption)


def _svg(content: str, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 {WIDTH + 24} {height}" font-size="14" '
        f'font-family="system-ui, sans-serif" role="img"><title>{escape(title)}</title>'
        f'<rect x="-12" width="{WIDTH + 24}" height="{height}" fill="#fff"/>{content}</svg>\n'
    )
