"""A desk that goes on when every host has quit: `polydesk desk run`, and starting, stopping and asking for one."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..core.clock import Clock, SystemClock
from ..core.errors import ConfigurationError, PolymarketAPIError
from ..core.settings import Settings
from .application import Application
from .doors.background import BackgroundMark
from .doors.lease import read_card
from .doors.link import LinkLost, greet

_log = logging.getLogger(__name__)

LOG_FILE = "desk.log"
_LOOK_EVERY_S = 1.0
_START_S, _STOP_S = 40.0, 40.0
_POLL_S = 0.05


def log_file(settings: Settings) -> Path:
    """Where a desk in the background writes its log; the folder is made."""
    folder = settings.desk_folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / LOG_FILE


def run_desk(settings: Settings) -> int:
    """Be the desk in the background until a signal, or until nobody has needed it for the configured time.

    While another process holds the desk it stands by, and takes over when that one ends. Raises ConfigurationError
    when one is running already.
    """
    mark = BackgroundMark(settings.desk_folder)
    if not mark.take():
        raise ConfigurationError(
            f"A desk of {settings.desk_folder} already runs in the background (process {mark.pid})."
        )
    try:
        asyncio.run(_run(settings, SystemClock()))
    finally:
        mark.release()
    return 0


async def _run(settings: Settings, clock: Clock) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    application = Application(settings, background=True)
    application.doorway.watch_for_halt()
    try:
        await application.doorway.enter()
        watch = asyncio.create_task(_until_idle(application, settings.desk_idle_minutes, clock))
        stop = asyncio.create_task(stopped.wait())
        done, others = await asyncio.wait({watch, stop}, return_when=asyncio.FIRST_COMPLETED)
        for each in others:
            each.cancel()
        for each in done:
            each.result()
    finally:
        await application.aclose()


async def _until_idle(application: Application, minutes: float, clock: Clock) -> None:
    """Return once there has been neither a door nor anything that runs for so long; 0 minutes: never."""
    needed_at = clock.now()
    told: str | None = None
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        try:
            await application.doorway.enter()
            told = None
        except PolymarketAPIError as error:
            if error.message != told:
                _log.error("there is no desk: %s", error.message)
            told = error.message
        if await _is_needed(application):
            needed_at = clock.now()
        elif minutes and clock.now() - needed_at >= timedelta(minutes=minutes):
            _log.warning("nobody has needed the desk for %g minutes: it stops", minutes)
            return


async def _is_needed(application: Application) -> bool:
    doorway = application.doorway
    if not doorway.holds_desk:
        return doorway.attends  # another process is the desk: stand by
    desk = await application.desk()
    runs = desk.slices.active + desk.strategies.active + desk.backtests.active
    return bool(doorway.doors or runs or application.settings.heartbeat)


def start_desk(settings: Settings, *, as_json: bool) -> int:
    """Start a desk in the background and wait until it is there."""
    folder = settings.desk_folder
    mark = BackgroundMark(folder)
    if mark.stands():
        _tell(
            as_json,
            {"started": False, **_state(settings)},
            f"A desk already runs in the background (process {mark.pid}).",
        )
        return 0
    log = log_file(settings)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as errors:
        size = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-m", __package__, "desk", "run", "--mode", settings.mode.value],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            end = log.read_bytes()[size:].decode(errors="replace").strip().splitlines()[-1:]
            raise ConfigurationError(f"The desk did not start: {' '.join(end) or f'exit code {process.returncode}'}")
        if mark.stands() and (state := _state(settings))["desk"] is not None:
            where = (
                "holds the desk" if state["desk"]["pid"] == process.pid else "stands by for the process that holds it"
            )
            process.returncode = 0  # it is meant to outlive this command: nobody needs to be warned that it runs
            _tell(as_json, {"started": True, **state}, f"Process {process.pid} {where}; its log is {log}.")
            return 0
        time.sleep(_POLL_S)
    raise ConfigurationError(f"The desk has not opened within {_START_S:g} s; its log is {log}.")


def stop_desk(settings: Settings, *, as_json: bool) -> int:
    """Stop the desk in the background. Orders that rest at a venue stay there."""
    mark = BackgroundMark(settings.desk_folder)
    if not mark.stands() or mark.pid is None:
        _tell(as_json, {"stopped": False}, "No desk runs in the background.")
        return 0
    pid = mark.pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_S
    while mark.stands():
        if time.monotonic() > deadline:
            _tell(as_json, {"stopped": False, "pid": pid}, f"Process {pid} has not ended within {_STOP_S:g} s.")
            return 1
        time.sleep(_POLL_S)
    _tell(as_json, {"stopped": True, "pid": pid}, f"The desk in the background (process {pid}) has ended.")
    return 0


def tell_desk(settings: Settings, *, as_json: bool) -> int:
    """Say who holds the desk; 1 when nobody does."""
    state = _state(settings)
    desk = state["desk"]
    if desk is None:
        text = "No process holds the desk."
    else:
        kind = "in the background" if desk["background"] else "of a host"
        text = (
            f"Process {desk['pid']} ({kind}, polydesk {desk['version']}) holds the {settings.mode.value} desk since "
            f"{datetime.fromisoformat(desk['since']):%Y-%m-%d %H:%M:%S} UTC, with {desk['doors']} doors."
        )
        if state["background_pid"] not in (None, desk["pid"]):
            text += f" Process {state['background_pid']} stands by in the background."
    _tell(as_json, state, text)
    return 0 if desk else 1


def _state(settings: Settings) -> dict[str, Any]:
    folder = settings.desk_folder
    mark = BackgroundMark(folder)
    return {
        "mode": settings.mode.value,
        "folder": str(folder),
        "desk": asyncio.run(_asked(settings)),
        "background_pid": mark.pid if mark.stands() else None,
    }


async def _asked(settings: Settings) -> Mapping[str, Any] | None:
    """How the desk says it is; None where there is none."""
    card = read_card(settings.desk_folder)
    if card is None:
        return None
    try:
        _, writer, status = await greet(card, settings, "status")
    except LinkLost:
        return None
    writer.close()
    return status


def _tell(as_json: bool, state: Mapping[str, Any], text: str) -> None:
    print(json.dumps(state) if as_json else text)
