"""Views of answers for hosts that render MCP Apps: each a page of its own that loads nothing from anywhere."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple


class View(NamedTuple):
    """A page, by its file's name, for the answers of one tool."""

    name: str
    tool: str
    title: str

    @property
    def uri(self) -> str:
        return f"ui://polydesk/{self.name}"


VIEWS = (
    View("market", "polymarket_get_market", "Market"),
    View("order", "polymarket_preview_order", "Order ticket"),
    View("portfolio", "polymarket_get_portfolio", "Portfolio"),
)


def page(name: str) -> str:
    """The whole document of a view: hosts show it in a frame that may fetch nothing, so that all of it is inline."""
    here = files(__package__)
    style, bridge, script = (
        here.joinpath(each).read_text(encoding="utf-8") for each in ("view.css", "bridge.js", f"{name}.js")
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>polydesk</title><style>\n{style}</style></head>"
        f'<body><main id="view" aria-live="polite"><p class="faint">Waiting for the desk …</p></main>'
        f"<script>\n{bridge}\n{script}</script></body></html>"
    )
