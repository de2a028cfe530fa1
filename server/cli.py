"""The `polydesk` command. Exit codes: 0 done, 1 failed, 2 the command line or the settings cannot be used."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..core.errors import ConfigurationError, InputRejected, PolymarketAPIError
from ..core.settings import Mode, forget_secrets_in_environment, load_settings
from ..core.telemetry.redaction import redacted
from .accounts_command import add_accounts_command
from .alerts_command import add_alerts_commands
from .backtest_command import add_backtest_command
from .dashboard.command import add_dashboard_command
from .desk_commands import add_desk_commands
from .desk_file_commands import add_desk_file_commands
from .doctor import add_doctor_command
from .keys_command import add_keys_command
from .models_command import add_models_commands
from .process_guard import guard_process
from .record_command import add_record_command
from .terminal.commands import add_terminal_commands
from .web.tokens_command import add_tokens_command

_MODES = [mode.value for mode in Mode]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = command_line().parse_args(arguments)
    guard_process()
    try:
        code: int = options.run(options)
        return code
    except (ConfigurationError, InputRejected) as error:
        print(f"polydesk: {redacted(error.message)}", file=sys.stderr)
        return 2
    except PolymarketAPIError as error:
        print(f"polydesk: {redacted(error.message)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def command_names() -> tuple[str, ...]:
    """The commands there are."""
    (commands,) = (action for action in command_line()._actions if isinstance(action, argparse._SubParsersAction))
    return tuple(commands.choices)


def command_line() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="polydesk", description="A prediction-market trading desk for LLM agents, served over MCP."
    )
    parser.add_argument("--version", action="version", version=f"polydesk {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the MCP server", description="Run the MCP server.")
    serve.add_argument("--transport", choices=["stdio", "sse", "http"], default="stdio", help="default: stdio")
    serve.add_argument("--host", default="127.0.0.1", help="address for sse and http (default: this machine's own)")
    serve.add_argument("--port", type=int, default=8000, help="port for sse and http; 0: a free one (default: 8000)")
    serve.add_argument("--mode", choices=_MODES, help="which money (default: paper)")
    serve.add_argument("--toolsets", help="toolsets to offer, separated by commas (default: default)")
    serve.add_argument("--read-only", action="store_true", default=None, help="offer no tool that changes anything")
    serve.set_defaults(run=_serve)

    add_desk_commands(commands, _MODES)
    add_dashboard_command(commands, _MODES)

    demo = commands.add_parser("demo", help="watch an agent use the desk, on recorded markets")
    demo.add_argument("--json", action="store_true", help="print the calls and answers as JSON lines")
    demo.set_defaults(run=_demo)

    setup = commands.add_parser("setup", help="write the server into a host's configuration and try it")
    setup.add_argument("--host", default="claude-desktop", help="claude-desktop, claude-code, cursor or vscode")
    setup.add_argument("--config", help="the host's configuration file, when it is not in its usual place")
    setup.add_argument(
        "--live", action="store_true", help="real money: key, wallet, doctor and limits first, one question at a time"
    )
    setup.add_argument("--json", action="store_true", help="print the result as JSON")
    setup.set_defaults(run=_setup)

    exchange = commands.add_parser("exchange", help="run the embedded exchange alone, for any client")
    exchange.add_argument("--host", default="127.0.0.1", help="address; only this machine's own")
    exchange.add_argument("--port", type=int, default=8099, help="port; 0: a free one (default: 8099)")
    exchange.add_argument("--chain-id", type=int, help="chain that orders are signed for (default: 137)")
    exchange.add_argument("--seed", type=int, help="seed of the simulated traders")
    exchange.add_argument("--no-traders", action="store_true", help="leave the recorded books as they are")
    recorded = exchange.add_mutually_exclusive_group()
    recorded.add_argument(
        "--catalogue", metavar="DIR", type=Path, help="begin with the markets and books of a folder of payloads"
    )
    recorded.add_argument(
        "--replay", metavar="PATH", type=Path, nargs="+", help="let recordings happen again: files or folders"
    )
    exchange.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="times the recorded pace, or max (default: 1)"
    )
    exchange.add_argument("--settings", metavar="FILE", type=Path, help="JSON object of its rules (docs/exchange.md)")
    exchange.add_argument(
        "--faults", metavar="FILE", help="JSON rules of what goes wrong on purpose (docs/exchange.md)"
    )
    exchange.add_argument("--ledger", metavar="FILE", help="keep accounts, orders and trades in this file")
    exchange.add_argument("--json", action="store_true", help="print the addresses as one JSON line")
    exchange.set_defaults(run=_exchange)

    add_doctor_command(commands)
    add_accounts_command(commands)
    add_keys_command(commands)

    approve = commands.add_parser("approve", help="say yes or no to an order that waits for a person")
    approve.add_argument("code", nargs="?", help="the code the tool answered; without it the waiting orders are listed")
    approve.add_argument("--decline", action="store_true", help="say no")
    approve.add_argument("--mode", choices=_MODES, default="live", help="default: live")
    approve.add_argument("--json", action="store_true", help="print the result as JSON")
    approve.set_defaults(run=_approve)

    resume = commands.add_parser("resume", help="allow trading again after a halt")
    resume.add_argument("--mode", choices=_MODES, required=True, help="which money was halted")
    resume.add_argument("--json", action="store_true", help="print the result as JSON")
    resume.set_defaults(run=_resume)

    add_alerts_commands(commands, _MODES)
    add_terminal_commands(commands, _MODES)
    add_desk_file_commands(commands, _MODES)
    add_backtest_command(commands)
    add_record_command(commands, _MODES)
    add_tokens_command(commands)
    add_models_commands(commands)

    soak = commands.add_parser("soak", help="trade through faults and kills, and prove that nothing is lost or doubled")
    soak.add_argument("--orders", type=int, default=1000, metavar="N", help="orders that reach the venue (1000)")
    soak.add_argument("--kills", type=int, default=5, metavar="K", help="times the desk is killed with SIGKILL (5)")
    soak.add_argument("--seed", type=int, default=1, help="of orders, faults and kills (default: 1)")
    soak.add_argument("--json", action="store_true", help="print the report as one JSON line")
    soak.set_defaults(run=_soak)

    completion = commands.add_parser("completion", help="print what makes a shell complete these commands")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="whose completion")
    completion.set_defaults(run=_completion)

    wire = commands.add_parser("wire", help="look at what the venue sends")
    actions = wire.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read captured payloads with the client's own parsers")
    check.add_argument("files", nargs="+", metavar="FILE", help="JSON or JSON lines, gzipped or not")
    check.add_argument("--kind", help="what the objects are, when they should not be recognised (such as gamma_market)")
    check.add_argument("--json", action="store_true", help="print one JSON line per file")
    check.set_defaults(run=_wire_check)
    return parser


def _serve(options: argparse.Namespace) -> int:
    from .logs import configure_logging

    settings = load_settings(mode=options.mode, toolsets=options.toolsets, read_only=options.read_only)
    configure_logging(settings.log_level, form=settings.log_format)
    forget_secrets_in_environment()
    gc.disable()  # what loads now stays for good; looking for garbage among it would take a tenth of the start
    from .transports import serve  # loads the SDK: other commands do not need it

    settings.check_limits()
    serve(settings, transport=options.transport, host=options.host, port=options.port)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from .demo import run_demo

    return run_demo(as_json=options.json)


def _setup(options: argparse.Namespace) -> int:
    if options.live:
        from .live_setup import run_live_setup

        return run_live_setup(options.host, config=options.config)
    from .setup import run_setup

    return run_setup(options.host, config=options.config, as_json=options.json)


def _exchange(options: argparse.Namespace) -> int:
    from .standalone_exchange import run_exchange

    return run_exchange(
        host=options.host,
        port=options.port,
        chain_id=options.chain_id,
        seed=options.seed,
        traders=not options.no_traders,
        as_json=options.json,
        settings=options.settings,
        faults=options.faults,
        ledger=options.ledger,
        catalogue=options.catalogue,
        replay=options.replay or (),
        speed=options.speed,
    )


def _speed(given: str) -> float:
    """A pace: a positive number, or `max` for as fast as can be."""
    speed = float("inf") if given == "max" else float(given)
    if not speed > 0:
        raise ValueError(given)
    return speed


def _approve(options: argparse.Namespace) -> int:
    from .person import run_approve

    settings = load_settings(mode=options.mode)
    return run_approve(settings, options.code, decline=options.decline, as_json=options.json)


def _resume(options: argparse.Namespace) -> int:
    from .person import run_resume

    return run_resume(load_settings(mode=options.mode), as_json=options.json)


def _soak(options: argparse.Namespace) -> int:
    from .soak.runner import run_soak

    return run_soak(orders=options.orders, kills=options.kills, seed=options.seed, as_json=options.json)


def _completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(command_line(), shell=options.shell))
    return 0


def _wire_check(options: argparse.Namespace) -> int:
    from .wire_check import run_wire_check

    return run_wire_check(options.files, kind=options.kind, as_json=options.json)
