"""Random numbers in chunks, so that memory stays bounded and a seed fixes the result for any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

CHUNK_PATHS = 16_384
"""Paths drawn at once. Part of the definition of a seeded result: changing it changes every number."""

MAX_PATHS = 10_000_000


def chunks(paths: int, *, seed: int, report: Callable[[float], None]) -> Iterator[tuple[slice, np.random.Generator]]:
    """Slices of `paths` rows, each with a generator of its own; reports the finished fraction after each.

    The streams come from the seed and the chunk's number through numpy's SeedSequence. SFC64 is the fastest of
    numpy's generators here: twice the normal variates per second of the counter-based Philox.
    """
    check_paths(paths, seed=seed)
    for number, start in enumerate(range(0, paths, CHUNK_PATHS)):
        stop = min(start + CHUNK_PATHS, paths)
        stream = np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(number,)))
        yield slice(start, stop), np.random.Generator(stream)
        report(stop / paths)


def check_paths(paths: int, *, seed: int) -> None:
    """Raises ValueError for numbers of paths and seeds that cannot be."""
    if not 1 <= paths <= MAX_PATHS:
        raise ValueError(f"paths must be between 1 and {MAX_PATHS}, not {paths}")
    if seed < 0:
        raise ValueError(f"the seed must not be negative, not {seed}")
