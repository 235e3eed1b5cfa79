"""The picture beside a name: four mirrored shapes in two tints of one hue, drawn from the person's seed."""

import hashlib

from markupsafe import Markup

CELLS = 5


def draw(seed: str) -> Markup:
    """An SVG of 32 CSS pixels; says nothing to a screen reader, as the name stands beside it."""
    digest = hashlib.sha256(seed.encode()).digest()
    hue = int.from_bytes(digest[:2]) % 360
    cells = "".join(_row(y, digest[2 + y]) for y in range(CELLS))
    return Markup(
        '<svg class="avatar" part="avatar" viewBox="0 0 5 5" width="32" height="32" aria-hidden="true">'
        '<rect width="5" height="5" fill="hsl({hue} 45% 88%)"/><path fill="hsl({hue} 45% 42%)" d="{cells}"/></svg>'
    ).format(hue=hue, cells=cells)


def _row(y: int, bits: int) -> str:
    """The cells of a row, the left half mirrored to the right."""
    filled = {x for x in range(3) if bits >> x & 1}
    return "".join(f"M{x} {y}h1v1h-1z" for x in sorted(filled | {CELLS - 1 - x for x in filled}))
