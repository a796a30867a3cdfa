"""The README's picture: how many pages everybody does, as bars. By hand, as it is a few lines."""

from collections.abc import Sequence
from html import escape
from string import Template

import attrs

WIDTH, LEFT, RIGHT, TOP, ROW = 760, 250, 70, 64, 24
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 15px; font-weight: 600 }
  .note { fill: #59636e; font-size: 12px } .bar { fill: #8c959f } .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .bar { fill: #656c76 } .ours { fill: #4493f8 }
  }
"""
_FRAME = Template(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" role="img" aria-label="$title">\n'
    "<style>$style</style>\n"
    '<text class="title" x="8" y="24">$title</text>\n<text class="note" x="8" y="44">$note</text>\n$bars\n</svg>\n'
)


@attrs.frozen
class Bar:
    """A bar: its name, its length, whether it is ours."""

    name: str
    value: float
    is_ours: bool = False


def draw(title: str, note: str, bars: Sequence[Bar]) -> str:
    """Draw bars, the longest first, to an SVG."""
    ordered = sorted(bars, key=lambda bar: -bar.value)
    scale = (WIDTH - LEFT - RIGHT) / max(bar.value for bar in ordered)
    lines = []
    for number, bar in enumerate(ordered):
        y, length = TOP + ROW * number, bar.value * scale
        kind = "ours" if bar.is_ours else "bar"
        lines += [
            f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(bar.name)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{ROW - 6}" rx="2"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{bar.value:.2f}</text>',
        ]
    height = TOP + ROW * len(ordered) + 8
    return _FRAME.substitute(
        width=WIDTH, height=height, style=_STYLE, title=escape(title), note=escape(note), bars="\n".join(lines)
    )
