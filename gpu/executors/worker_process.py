"""One worker process, seen from the process that uses it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence

from ..devices import THREADS_VARIABLE, VISIBLE_DEVICES_VARIABLE
from .frames import Decoder, Encoded, EndOfStream, encode_value, frame
from .lane import Ears, WorkerDied

_THREAD_VARIABLES = (THREADS_VARIABLE, "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
_SETTINGS_PREFIX = "POLYMARKET_"
_END_TIMEOUT_S = 3.0
_LAST_WORDS_S = 0.5
_BUFFER_BYTES = 1 << 20


def compute_environment(*, threads: int, cuda_device: str) -> dict[str, str]:
    """What makes a process compute with so many threads on that CUDA device; "" for none.

    A user's own smaller number of threads stands. Waiting threads sleep: spinning ones take the cores from the other
    workers (measured: an eighth of the throughput). OpenBLAS always spins, so numpy's products get one thread; tasks
    share work among threads of their own.
    """
    environment = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": "1",
        VISIBLE_DEVICES_VARIABLE: cuda_device,
    }
    for variable in _THREAD_VARIABLES:
        given = os.environ.get(variable, "")
        environment[variable] = str(min(threads, int(given)) if given.isdecimal() and int(given) else threads)
    return environment


def _inherited() -> dict[str, str]:
    """This process's environment without the desk's settings: keys of wallets are nothing for a worker."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_PREFIX)}


class WorkerProcess:
    """A running worker, as `Link` has it."""

    def __init__(self, process: Process, ears: Ears) -> None:
        self._process = process
        self._ears = ears
        self._decoder = Decoder()
        self._closing = False
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, ears: Ears, arguments: Sequence[str], *, environment: Mapping[str, str], timeout_s: float
    ) -> WorkerProcess:
        """Run `python -m ARGUMENTS` and wait for its first message. Raises WorkerDied."""
        # The same import path, as multiprocessing gives its children; -P keeps the working directory out of it.
        path = os.pathsep.join(entry for entry in sys.path if entry)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                *arguments,
                stdin=PIPE,
                stdout=PIPE,
                env={**_inherited(), "PYTHONPATH": path, **environment},
                limit=_BUFFER_BYTES,
            )
        except OSError as error:
            raise WorkerDied(f"no process could be started: {error}") from error
        worker = cls(process, ears)
        try:
            async with asyncio.timeout(timeout_s):
                ready = await worker._decoder.read(worker._stdout)
        except TimeoutError:
            worker.kill()
            await worker.aclose()
            raise WorkerDied(f"it was not ready within {timeout_s:g} s") from None
        except EndOfStream as error:
            await worker.aclose()
            raise WorkerDied(f"it did not start: {worker._obituary()}") from error
        except BaseException:
            worker.kill()
            await worker.aclose()
            raise
        ears.message(ready)
        worker._listening = asyncio.create_task(worker._listen())
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, request: Encoded) -> None:
        """See Link.send."""
        if not self._stdin.is_closing():
            for part in frame(request):
                self._stdin.write(part)

    def stop(self, number: int) -> None:
        """See Link.stop."""
        self.send(encode_value({"stop": number}))

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def aclose(self) -> None:
        """Let the process end by closing its stdin, or kill it; returns once it is gone and reaped."""
        self._closing = True
        self._stdin.close()
        if self._listening is not None and self._listening is not asyncio.current_task():
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self._wait()
        except TimeoutError:
            self.kill()
            await self._wait()

    async def _listen(self) -> None:
        """Pass messages on until the process ends, however it ends: a pipe at its end is not read again."""
        reading = asyncio.create_task(self._read())
        ending = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            # What it sent before it died is still in the pipe, unless somebody else holds that open.
            await asyncio.wait((reading,), timeout=_LAST_WORDS_S)
            self.kill()
            await ending
        finally:
            reading.cancel()
            ending.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)
        if not self._closing:
            self._ears.died(self._obituary())

    async def _read(self) -> None:
        try:
            while True:
                self._ears.message(await self._decoder.read(self._stdout))
        except (EndOfStream, ConnectionError):
            return

    async def _wait(self) -> None:
        # Unread output would keep the pipe open, and the transport with it.
        while await self._stdout.read(_BUFFER_BYTES):
            pass
        await self._process.wait()

    def _obituary(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"process {self.pid} was ended by {signal.Signals(-code).name}"
        return f"process {self.pid} ended with code {code}"

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout
