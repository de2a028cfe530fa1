"""Profit and drawdown of a book on latent Brownian paths, with the compiled loop."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..normal_distribution import normal_cdf, normal_quantile
from .book import Book, Staircases
from .copula import Copula
from .engines import available_threads
from .random_lanes import stratum_keys

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_PATHS_IN_CHUNK = 4096
"""Part of the definition of a seeded result."""

_FARTHEST = 8.0
_NODES_PER_UNIT = 256
_OCTAVES = 31
_NODES_PER_OCTAVE = 64


def walk_latent(
    book: Book,
    copula: Copula,
    *,
    resolves: Sequence[float],
    grid: Sequence[float],
    paths: int,
    seed: int,
    report: Callable[[float], None],
) -> tuple[Floats, Floats]:
    """Profits at the last time of `grid` (days, from after now on) and drawdowns over it, path by path.

    Every chunk of paths has streams of its own, so that a seed's result is the same for any number of threads.
    """
    from . import numba_paths

    stairs = Staircases.of(book)
    drawn = stairs.drawn
    lasts = np.array(resolves)[drawn]
    times = np.array([0.0, *grid])[:, None]
    left = np.maximum(1 - times / lasts, 0.0)
    spreads = np.sqrt(np.maximum(left[:-1] - left[1:], 0.0)).astype(np.float32)
    sharpness = np.divide(1.0, np.sqrt(left[1:]), out=np.zeros_like(left[1:]), where=left[1:] > 0).astype(np.float32)
    used = np.any(copula.loadings[drawn] != 0, axis=0)
    arguments = (
        stairs.first_step,
        normal_quantile(stairs.boundaries).astype(np.float32),
        stairs.steps,
        stairs.certain,
        float(stairs.certain + stairs.steps @ stairs.boundaries),
        np.ascontiguousarray(copula.loadings[drawn][:, used], dtype=np.float32),
        copula.own[drawn].astype(np.float32),
        spreads,
        sharpness,
    )
    tables = (*_quantile_table(), *_chance_table(), _FARTHEST, float(_NODES_PER_UNIT))
    chunks = -(-paths // _PATHS_IN_CHUNK)
    profit, drawdown = np.empty((chunks, _PATHS_IN_CHUNK)), np.empty((chunks, _PATHS_IN_CHUNK))

    def fill(chunk: int) -> None:
        keys = stratum_keys(seed, chunk, 2 * _PATHS_IN_CHUNK // numba_paths.PATHS_AT_ONCE)
        numba_paths.walk(*arguments, keys, *tables, profit[chunk], drawdown[chunk])

    pool = ThreadPoolExecutor(available_threads())
    try:
        for done, job in enumerate([pool.submit(fill, chunk) for chunk in range(chunks)], start=1):
            job.result()
            report(done / chunks)
    finally:
        pool.shutdown(cancel_futures=True)
    return profit.ravel()[:paths].copy(), drawdown.ravel()[:paths].copy()


@functools.cache
def _quantile_table() -> tuple[Singles, Singles]:
    """Sizes of normal variates at 64 nodes in each octave of 31 random bits, and their differences.

    Straight lines between the nodes make the variance too large by a few millionths, which is divided out.
    """
    nodes = np.arange(_OCTAVES * _NODES_PER_OCTAVE + 1)
    words = 2.0 ** (nodes // _NODES_PER_OCTAVE) * (1 + nodes % _NODES_PER_OCTAVE / _NODES_PER_OCTAVE)
    sizes = -normal_quantile(words / 2**32)
    low, high = sizes[:-1], sizes[1:]
    variance = float(np.diff(words) @ (low**2 + low * high + high**2) / 3 / (words[-1] - words[0]))
    sizes /= np.sqrt(variance)
    # The largest words are rounded up to the last node itself.
    return sizes.astype(np.float32), np.append(np.diff(sizes), 0.0).astype(np.float32)


@functools.cache
def _chance_table() -> tuple[Singles, Singles]:
    """The normal distribution function at equal distances, good to half a millionth between them."""
    nodes = np.arange(2 * _FARTHEST * _NODES_PER_UNIT + 1) / _NODES_PER_UNIT - _FARTHEST
    chances = normal_cdf(nodes)
    return chances.astype(np.float32), np.append(np.diff(chances), 0.0).astype(np.float32)
