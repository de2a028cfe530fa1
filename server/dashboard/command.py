"""`polydesk dashboard`: the page in a browser, without any host."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ...core.settings import forget_secrets_in_environment, load_settings

_PORT = 8787


def add_dashboard_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], modes: Sequence[str]) -> None:
    """Add `dashboard`."""
    command = commands.add_parser(
        "dashboard",
        help="show the desk live in a browser",
        description="Serve the dashboard of the desk, be it this process or another, until it is stopped.",
    )
    command.add_argument("--mode", choices=modes, help="which money (default: paper)")
    command.add_argument("--host", default="127.0.0.1", help="address (default: this machine's own)")
    command.add_argument("--port", type=int, default=_PORT, help=f"port; 0: a free one (default: {_PORT})")
    command.add_argument("--no-open", action="store_true", help="do not open it in the browser")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from ..logs import configure_logging
    from ..web.serving import check_http
    from .serving import serve_dashboard

    configure_logging()
    settings = load_settings(mode=options.mode)
    forget_secrets_in_environment()
    settings.check_limits()
    http = check_http(settings, options.host)
    serve_dashboard(settings, http, host=options.host, port=options.port, opens=not options.no_open)
    return 0
