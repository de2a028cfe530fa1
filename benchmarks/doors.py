"""What a door adds to a call: one cached read at the desk, and the same read through another process that forwards.

Two servers of one state folder run at once, the first of which holds the desk. They are asked in turns, one request at
a time in raw JSON-RPC. Times are milliseconds from writing the request to having parsed the answer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from .measure import quantile
from .registry import Result
from .stdio_server import POLYDESK, running
from .tool_call import CACHED_READ, seconds_of

_CALLS = 1000
_WARM_UP = 50


def run() -> Result:
    with tempfile.TemporaryDirectory() as state, running(POLYDESK, state_dir=Path(state)) as desk:
        desk.initialize()
        opening_s = seconds_of(desk, CACHED_READ)
        with running(POLYDESK, state_dir=Path(state)) as door:
            door.initialize()
            entering_s = seconds_of(door, CACHED_READ)
            taken: dict[str, list[float]] = {"desk": [], "door": []}
            for turn in range(_WARM_UP + _CALLS):
                for name, server in (("desk", desk), ("door", door)):
                    seconds = seconds_of(server, CACHED_READ)
                    if turn >= _WARM_UP:
                        taken[name].append(seconds)
    return Result(
        about=f"{_CALLS} calls each over stdio, one at a time; smaller is better",
        ratios={"p50: door / desk": median(taken["door"]) / median(taken["desk"])},
        measured={
            "added by the door, p50, ms": 1000 * (median(taken["door"]) - median(taken["desk"])),
            **{f"{name} p50, ms": 1000 * median(seconds) for name, seconds in taken.items()},
            **{f"{name} p99, ms": 1000 * quantile(seconds, 0.99) for name, seconds in taken.items()},
            "first call, which opens the desk, ms": 1000 * opening_s,
            "first call at a door, ms": 1000 * entering_s,
        },
    )
