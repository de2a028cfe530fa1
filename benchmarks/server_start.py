"""Start of the server over stdio against an empty server of the same SDK, spawned in turns.

A round spawns one process of each and takes the time until `tools/list` is answered, after the handshake and before
any call. The ratio is the median of the rounds' ratios, the other figures are medians over all rounds. Resident memory
is what the kernel counts at that moment. Tokens are bytes of the whole `tools/list` answer divided by four.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from .registry import Result
from .stdio_server import EMPTY, POLYDESK, running

_ROUNDS = 9
_BYTES_PER_TOKEN = 4


def run() -> Result:
    seconds: dict[str, list[float]] = {"polydesk": [], "empty": []}
    memory: dict[str, list[float]] = {"polydesk": [], "empty": []}
    tools, listing_bytes = 0, 0
    with tempfile.TemporaryDirectory() as state_dir:
        for turn in range(1 + _ROUNDS):
            for name, arguments in (("polydesk", POLYDESK), ("empty", EMPTY)):
                started = time.perf_counter()
                with running(arguments, state_dir=Path(state_dir)) as server:
                    server.initialize()
                    listing = server.request("tools/list")
                    taken = time.perf_counter() - started
                    resident = server.resident_mib
                if name == "polydesk":
                    tools, listing_bytes = len(listing.result["tools"]), listing.size_bytes
                if turn:  # the first start of each reads its files from disk
                    seconds[name].append(taken)
                    memory[name] += [resident] if resident is not None else []
    pairs = zip(seconds["polydesk"], seconds["empty"], strict=True)
    ratios = {"time to tools/list: polydesk / empty": median(ours / empty for ours, empty in pairs)}
    measured = {f"{name}, time to tools/list, ms": 1000 * median(taken) for name, taken in seconds.items()}
    if memory["polydesk"] and memory["empty"]:
        ratios["resident memory: polydesk / empty"] = median(memory["polydesk"]) / median(memory["empty"])
        measured |= {f"{name}, resident memory, MiB": median(resident) for name, resident in memory.items()}
    measured |= {"tools": tools, "tools/list, tokens": listing_bytes / _BYTES_PER_TOKEN}
    return Result(
        about=f"spawned {_ROUNDS} times each, default tools, empty MCPServer of the same SDK; smaller is better",
        ratios=ratios,
        measured=measured,
    )
