"""Which workers there are and what they run; known without loading any of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerKind:
    """Tasks that share workers. Different kinds never wait for each other.

    `module` is imported in the worker alone. It has `TASKS` (by name, called with a payload and a progress report),
    `BATCHED` with those of them that take `{"items": [...], **options}`, `ENGINE` and `DEVICE`, and may have
    `describe()` with what is known only later: `engine`, `device`, `dtype`, `models` (name and sha256 each) and
    `engines` by task. `uses_cuda` kinds get one worker per CUDA device.
    """

    name: str
    module: str
    tasks: frozenset[str]
    batched: frozenset[str] = frozenset()
    uses_cuda: bool = False
    queue_limit: int = 32


SIMULATION = WorkerKind(
    name="simulation",
    module="polydesk.gpu.tasks",
    tasks=frozenset({"book_paths", "engine", "find_patterns", "market_risk", "portfolio_risk", "size_bets"}),
    uses_cuda=True,
)
TEXT = WorkerKind(
    name="text",
    module="polydesk.gpu.text.tasks",
    tasks=frozenset({"sentiment", "stance"}),
    batched=frozenset({"sentiment", "stance"}),
    uses_cuda=True,
    queue_limit=2_048,
)

KINDS = (SIMULATION, TEXT)
