"""`polydesk setup`: writes the server into a host's own configuration, then starts it as that host would."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from ..core.errors import ConfigurationError

_START_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Host:
    """Where a host keeps its servers: the file, the key in it, and fields it wants in every entry."""

    path: Callable[[], Path]
    key: str
    extra: tuple[tuple[str, str], ...] = ()


def _claude_desktop() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Claude/claude_desktop_config.json"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData/Roaming")) / "Claude/claude_desktop_config.json"
    return Path.home() / ".config/Claude/claude_desktop_config.json"


HOSTS: dict[str, Host] = {
    "claude-desktop": Host(_claude_desktop, "mcpServers"),
    "claude-code": Host(lambda: Path.cwd() / ".mcp.json", "mcpServers", (("type", "stdio"),)),
    "cursor": Host(lambda: Path.home() / ".cursor/mcp.json", "mcpServers"),
    "vscode": Host(lambda: Path.cwd() / ".vscode/mcp.json", "servers", (("type", "stdio"),)),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One server in a host's file: its name there, what is run after the command, and its variables."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


PAPER = Entry("polymarket", ("serve",), {"POLYMARKET_MODE": "paper"})


@dataclass(frozen=True, slots=True)
class SetupResult:
    config: Path
    backup: Path | None
    command: str
    arguments: tuple[str, ...]
    server: str
    tools: int


def run_setup(host: str, *, config: str | None, as_json: bool) -> int:
    """Configure one host. Raises ConfigurationError, leaving the file as it was, when that is not possible."""
    if host not in HOSTS:
        raise ConfigurationError(f"There is no host {host!r}; choose from {', '.join(HOSTS)}.")
    path = Path(config).expanduser() if config else HOSTS[host].path()
    result = set_up(HOSTS[host], path, PAPER)
    if as_json:
        print(
            json.dumps(
                {
                    "config": str(result.config),
                    "backup": str(result.backup) if result.backup else None,
                    "command": [result.command, *result.arguments],
                    "server": result.server,
                    "tools": result.tools,
                }
            )
        )
    else:
        print(f"Wrote the server {PAPER.name!r} into {result.config}")
        if result.backup:
            print(f"The file as it was: {result.backup}")
        print(f"Started it as {host} will: {result.server} answered with {result.tools} tools.")
        print(f"Restart {host} to see them. The mode is paper: real prices, no real money.")
    return 0


def set_up(host: Host, path: Path, entry: Entry) -> SetupResult:
    """Prove that the command starts, then write it into `path` beside what is already there."""
    command, arguments = sys.executable, ("-m", "polydesk.server", *entry.arguments)
    document = _read(path)
    servers = document.setdefault(host.key, {})
    if not isinstance(servers, dict):
        raise ConfigurationError(f"{path}: {host.key} is not an object; nothing was changed.")
    # A host has its own working directory and hardly any PATH: the command must be absolute.
    environment = dict(entry.environment)
    servers[entry.name] = {**dict(host.extra), "command": command, "args": list(arguments), "env": environment}
    server, tools = anyio.run(_start, command, arguments, environment)
    backup = _back_up(path)
    _write(path, document)
    return SetupResult(path, backup, command, arguments, server, tools)


async def _start(command: str, arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[str, int]:
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    parameters = StdioServerParameters(
        command=command, args=list(arguments), env={"PATH": "/usr/bin:/bin", **environment}, cwd="/"
    )
    try:
        # The process's own stderr: what stands in for it elsewhere may be no file that a child can write to.
        transport = stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr)
        async with Client(transport, read_timeout_seconds=_START_TIMEOUT_S) as client:
            tools = (await client.list_tools()).tools
            information = client.server_info
            name = f"{information.name} {information.version}" if information else "the server"
            return name, len(tools)
    except Exception as error:
        raise ConfigurationError(
            f"The server did not start with {command} {' '.join(arguments)}: {error}. Nothing was changed."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        document = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path} is not valid JSON ({error}); nothing was changed.") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} does not hold a JSON object; nothing was changed.")
    return document


def _back_up(path: Path) -> Path | None:
    if not path.exists():
        return None
    number = 1
    while (backup := path.with_name(f"{path.name}.backup-{number}")).exists():
        number += 1
    shutil.copy2(path, backup)
    return backup


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if path.exists():
        shutil.copymode(path, partial)
    partial.replace(path)
