"""A chart of bars as SVG: one group for each row, lengths on a logarithmic scale, figures written beside the bars."""

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
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 {WIDTH + 24} {y + 12}" font-size="14" '
        f'font-family="system-ui, sans-serif" role="img"><title>{escape(caption)}</title>'
        f'<rect x="-12" width="{WIDTH + 24}" height="{y + 12}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
