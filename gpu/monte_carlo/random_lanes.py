"""The random numbers of the simulation: 32 streams for each stratum, the same whichever library draws them.

Each lane is a xoshiro128++ generator (D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators",
2021), begun by SplitMix64 from the stratum's key. A draw is 32 bits, compared with a 32-bit threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LANES = 32
"""Part of the definition of a seeded result: changing it changes every number."""

GOLDEN = 0x9E3779B97F4A7C15
FIRST_MULTIPLIER = 0xBF58476D1CE4E5B9
SECOND_MULTIPLIER = 0x94D049BB133111EB

Words = NDArray[np.uint64]
Draws = NDArray[np.uint32]


def stratum_keys(seed: int, replicate: int, strata: int) -> Words:
    """One key per stratum of a replicate."""
    first = np.random.SeedSequence(seed, spawn_key=(replicate, 1)).generate_state(1, np.uint64)
    return _mixed(first + np.arange(strata, dtype=np.uint64) * np.uint64(GOLDEN))


class Lanes:
    """All lanes of some strata, drawn together. Shapes are (strata, LANES)."""

    def __init__(self, keys: Words) -> None:
        counters = np.arange(1, 2 * LANES + 1, dtype=np.uint64)
        mixed = _mixed(keys[:, None] + counters * np.uint64(GOLDEN))
        low, high = mixed.astype(np.uint32), (mixed >> np.uint64(32)).astype(np.uint32)
        self._state = [low[:, ::2].copy(), high[:, ::2].copy(), low[:, 1::2].copy(), high[:, 1::2].copy()]
        self._drawn = np.empty_like(self._state[0])
        self._moved = np.empty_like(self._state[0])

    def draw(self) -> Draws:
        """The next 32 bits of every lane, in an array that the next call fills anew."""
        a, b, c, d = self._state
        drawn, moved = self._drawn, self._moved
        np.add(a, d, out=drawn)
        _rotate(drawn, 7, moved)
        drawn += a
        np.left_shift(b, np.uint32(9), out=moved)
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= moved
        _rotate(d, 11, moved)
        return drawn


def _mixed(x: Words) -> Words:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(FIRST_MULTIPLIER)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(SECOND_MULTIPLIER)
    return x ^ (x >> np.uint64(31))


def _rotate(x: Draws, by: int, scratch: Draws) -> None:
    np.right_shift(x, np.uint32(32 - by), out=scratch)
    x <<= np.uint32(by)
    x |= scratch
