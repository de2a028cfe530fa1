"""Backtests that a tool has begun: each is `polydesk backtest` in a process of its own, one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ..core.background_tasks import cancelled
from ..core.clock import Clock
from ..core.trading.backtest_request import BacktestProgress, BacktestRequest
from ..core.trading.run_book import Run, RunBook, RunStatus

KIND = "backtest"

_KILL_AFTER_S = 5.0
_MOST_OUTPUT = 64 * 1024
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
"""All that a child is given of the environment: it needs no secret of the desk's."""


@dataclass(slots=True)
class BacktestRuns:
    """The backtests of one desk. An `async with` begins those anew that a process that is gone had begun.

    What a backtest needs and answers is in a folder of its own below `folder`: request, rows, progress and report.
    """

    book: RunBook
    clock: Clock
    folder: Path
    compute: str
    inference_model: str | None
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self.take_over()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks.values()):
            await cancelled(task)

    @property
    def active(self) -> int:
        """How many this process has begun or is about to."""
        return len(self._tasks)

    def take_over(self) -> None:
        """Begin anew what processes that are gone have left: the same request gives the same result."""
        for run in self.book.adopt_orphans(KIND, now=self.clock.now()):
            self._spawn(run)

    def start(self, request: BacktestRequest, *, client_token: str | None) -> tuple[Run, bool]:
        """Begin, and whether this is a new run. Raises InputRejected `token_reused`."""
        run, is_new = self.book.open(
            KIND,
            json.dumps(asdict(request)),
            fingerprint=request.fingerprint,
            client_token=client_token,
            now=self.clock.now(),
        )
        if is_new:
            self._spawn(run)
        return run, is_new

    async def stop(self, run_id: str, cause: str) -> Run:
        """End a backtest now. Raises InputRejected `unknown_run`."""
        run = self.book.end(run_id, RunStatus.STOPPED, cause, now=self.clock.now())
        if (task := self._tasks.get(run_id)) is not None:
            await cancelled(task)
        return run

    def progress(self, run: Run) -> BacktestProgress:
        """How far a backtest has come, and its result once there is one."""
        folder = self.folder / run.run_id
        report = folder / "report" / "report.html"
        return BacktestProgress(
            run=run,
            request=BacktestRequest(**json.loads(run.document)),
            so_far=_read(folder / "progress.json"),
            result=_read(folder / "result.json"),
            report=str(report) if report.exists() else None,
        )

    def _spawn(self, run: Run) -> None:
        task = asyncio.create_task(self._run(run), name=f"run {run.run_id}")
        self._tasks[run.run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run.run_id, None))

    async def _run(self, run: Run) -> None:
        folder = self.folder / run.run_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        request = BacktestRequest(**json.loads(run.document))
        async with self._turn:
            command = [
                sys.executable,
                "-m",
                "polydesk.server",
                "backtest",
                *_arguments(request, folder, self.inference_model),
            ]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment(),
            )
            try:
                output, errors = await process.communicate()
            finally:
                await _ended(process)
        if process.returncode == 0:
            _write(folder / "result.json", output)
            self.book.end(run.run_id, RunStatus.DONE, "it has run to the end of its data", now=self.clock.now())
            return
        said = errors[-_MOST_OUTPUT:].decode(errors="replace").strip().splitlines()
        cause = said[-1].removeprefix("polydesk: ") if said else f"it ended with code {process.returncode}"
        self.book.end(run.run_id, RunStatus.STOPPED, cause, now=self.clock.now())

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**kept, "POLYMARKET_COMPUTE": self.compute}


def _arguments(request: BacktestRequest, folder: Path, inference_model: str | None) -> list[str]:
    data = request.data
    if request.rows is not None:
        rows = folder / "rows.jsonl"
        _write(rows, "\n".join(json.dumps(row) for row in request.rows).encode())
        data = str(rows)
    named = {
        "--strategy": request.strategy,
        "--data": data,
        "--news": request.news,
        "--model": inference_model if request.news else None,
        "--cash": request.cash,
        "--every": request.every_minutes,
        "--half-spread": request.half_spread,
        "--fee-rate": request.fee_rate,
        "--latency-ms": request.latency_ms,
        "--seed": str(request.seed),
        "--report": str(folder / "report"),
        "--progress": str(folder / "progress.json"),
    }
    arguments = [part for name, value in named.items() if value is not None for part in (name, value)]
    if request.parameters:
        arguments += ["--params", *(f"{name}={value}" for name, value in request.parameters.items())]
    if request.reference:
        arguments += ["--reference", *(f"{symbol}={path}" for symbol, path in request.reference.items())]
    return [*arguments, *(["--capacity"] if request.capacity else []), "--json"]


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Have a child end, by force where it does not by itself."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_KILL_AFTER_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)
