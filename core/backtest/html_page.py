"""The page that a report is: one HTML file that fetches nothing, for light and dark, on a desk and on a phone.

Texts of markets are strangers' and are shown as text alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ..untrusted_text import quoted

_LONGEST_FIGURE = 24
_LONGEST_CELL = 400
_LONGEST_FACT = 1_000

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --dim: #66717d; --page: #fff; --rule: #d9dee3; --line: #1f6fb2;
  --gain: #1a7f4b; --loss: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe5ea; --dim: #95a1ac; --page: #14191e; --rule: #323b44;
  --line: #6cb0ea; --gain: #4fc088; --loss: #e88078; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide, figure { margin: 0; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; overflow-wrap: break-word; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; } td.number { white-space: nowrap; }
.facts { table-layout: fixed; } .facts th { width: 30%; font-weight: normal; color: var(--dim); }
.dim { color: var(--dim); }
.warning { border-left: 4px solid var(--loss); padding-left: .7rem; }
svg { width: 100%; height: auto; } svg.bars { min-width: 38rem; } svg text { fill: var(--dim); font-size: 11px; }
svg .line { fill: none; stroke: var(--line); stroke-width: 1.5; } svg .area { fill: var(--loss); opacity: .25; }
svg .grid, svg .rule { stroke: var(--rule); fill: none; } svg .gain, svg .buy { fill: var(--gain); }
svg .loss, svg .sell { fill: var(--loss); }
@media (max-width: 36rem) { svg.plane text { font-size: 18px; } svg .between { display: none; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole document; `title` is text, `body` is HTML."""
    shown = text(title)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{shown}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{shown}</h1>",
            *body,
            "</body></html>",
        ]
    )


def section(title: str, parts: Sequence[str]) -> list[str]:
    """HTML under a heading, which is text."""
    return [f"<section><h2>{escape(title)}</h2>", *parts, "</section>"]


def facts(rows: Iterable[tuple[str, Any]]) -> str:
    """What is so: a name and what is told of it in each line."""
    lines = (f'<tr><th scope="row">{text(name)}</th><td>{text(said, _LONGEST_FACT)}</td></tr>' for name, said in rows)
    return f'<table class="facts">{"".join(lines)}</table>'


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows of texts under their names, figures to the right."""
    figures = [bool(number and rows and all(_is_figure(row[number]) for row in rows)) for number in range(len(head))]
    named = "".join(
        f"<th{' class=number' if figure else ''}>{text(each)}</th>" for each, figure in zip(head, figures, strict=True)
    )
    lines = (f"<tr>{''.join(_cell(value, first=number == 0) for number, value in enumerate(row))}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{named}</tr>{"".join(lines)}</table></div>'


def text(said: Any, most: int = 200) -> str:
    """Somebody's words as they may stand in a page, `most` characters of them."""
    return escape(quoted(str(said), most))


def _cell(value: Any, *, first: bool) -> str:
    figure = not first and _is_figure(value)
    return f"<td{' class=number' if figure else ''}>{text(value, _LONGEST_CELL)}</td>"


def _is_figure(value: Any) -> bool:
    said = str(value)
    return said[:1] in "+-0123456789" and len(said) < _LONGEST_FIGURE
