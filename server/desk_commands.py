"""`polydesk desk ...`: a desk that needs no host to be open."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..core.settings import Settings, forget_secrets_in_environment, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def add_desk_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], modes: Sequence[str]) -> None:
    """Add `desk` with its actions."""
    desk = commands.add_parser("desk", help="keep a desk running in the background, for every host and for none")
    actions = desk.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, about in (
        ("start", _start, "start a desk in the background and wait until it is there"),
        ("stop", _stop, "stop the desk in the background; exit 1 when it does not end"),
        ("status", _status, "say which process holds the desk; exit 1 when none does"),
        ("run", _run, "be that desk, in the foreground: for systemd, launchd and the like"),
    ):
        action = actions.add_parser(name, help=about, description=about.capitalize() + ".")
        action.add_argument("--mode", choices=modes, help="which money (default: paper)")
        if name != "run":
            action.add_argument("--json", action="store_true", help="print the result as JSON")
        action.set_defaults(run=run)


def _settings(options: argparse.Namespace) -> Settings:
    return load_settings(mode=options.mode)


def _start(options: argparse.Namespace) -> int:
    from .desk_process import start_desk

    settings = _settings(options)
    settings.check_limits()
    return start_desk(settings, as_json=options.json)


def _stop(options: argparse.Namespace) -> int:
    from .desk_process import stop_desk

    return stop_desk(_settings(options), as_json=options.json)


def _status(options: argparse.Namespace) -> int:
    from .desk_process import tell_desk

    return tell_desk(_settings(options), as_json=options.json)


def _run(options: argparse.Namespace) -> int:
    from .desk_process import log_file, run_desk
    from .logs import configure_logging

    settings = _settings(options)
    settings.check_limits()
    configure_logging(settings.log_level, form=settings.log_format, file=log_file(settings))
    forget_secrets_in_environment()
    return run_desk(settings)
