"""Cutting texts into batches that fit a device, and into smaller ones when they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

LEAST_TOKENS = 16
"""Where halving a budget ends: a device that cannot hold this holds no batch at all."""


def length_batches(
    lengths: Sequence[int], *, token_budget: int, max_items: int = 256, length_step: int = 1
) -> list[list[int]]:
    """Indices of `lengths` in batches, longest first, each of at most `token_budget` tokens with its padding.

    A batch is padded to its longest member, rounded up to a multiple of `length_step` so that only few shapes
    occur; it takes items times that many tokens. One item longer than the budget is a batch of its own.
    """
    if token_budget < 1 or max_items < 1 or length_step < 1:
        raise ValueError("token_budget, max_items and length_step are at least 1")
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if room == 0:
            batches.append([])
            room = min(max_items, max(1, token_budget // padded_length(lengths[index], step=length_step)))
        batches[-1].append(index)
        room -= 1
    return batches


def padded_length(length: int, *, step: int = 1) -> int:
    """`length` rounded up to a multiple of `step`; an empty text takes one step."""
    return max(1, -(-length // step)) * step


class TokenBudget:
    """How many padded tokens a device takes at once; halved for good whenever it runs out of memory."""

    def __init__(
        self,
        tokens: int,
        *,
        out_of_memory: Callable[[BaseException], bool],
        release: Callable[[], None] = lambda: None,
        max_items: int = 256,
        length_step: int = 1,
        threads: int = 1,
    ) -> None:
        """`out_of_memory` tells that error from others, `release` frees what the failed attempt still holds.

        So many `threads` compute a batch each at the same time.
        """
        self.tokens = tokens
        self.halvings = 0
        self._out_of_memory = out_of_memory
        self._release = release
        self._max_items = max_items
        self._length_step = length_step
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches") if threads > 1 else None

    def run(self, lengths: Sequence[int], compute: Callable[[list[int]], Sequence[Result]]) -> list[Result]:
        """One result per length, in order. `compute` gets the indices of a batch and answers in their order.

        Raises what `compute` raises, and the device's own error when even a single item does not fit.
        """
        full = False

        def attempt(batch: list[int]) -> Sequence[Result] | None:
            nonlocal full
            if full:
                return None
            try:
                return compute(batch)
            except Exception as error:
                if not self._out_of_memory(error) or len(batch) == 1 or self.tokens <= LEAST_TOKENS:
                    raise
                full = True
            return None

        results: dict[int, Result] = {}
        batches = self._cut(list(range(len(lengths))), lengths)
        while batches:
            full = False
            # One batch needs no other thread, and handing it over takes time.
            at_once = self._pool.map if self._pool is not None and len(batches) > 1 else map
            answers = at_once(attempt, batches)
            refused: list[list[int]] = []
            for batch, answer in zip(batches, answers, strict=True):
                if answer is None:
                    refused.append(batch)
                else:
                    results.update(zip(batch, answer, strict=True))
            if refused:
                # Outside the handler: its traceback would keep the tensors of the failed attempt alive.
                self._halve(refused[0], lengths)
            batches = self._cut([index for each in refused for index in each], lengths)
        return [results[index] for index in range(len(lengths))]

    def _halve(self, batch: list[int], lengths: Sequence[int]) -> None:
        longest = padded_length(max(lengths[index] for index in batch), step=self._length_step)
        # A batch far below the budget must shrink too, or it would be tried again as it is.
        self.tokens = max(LEAST_TOKENS, min(self.tokens, longest * len(batch)) // 2)
        self.halvings += 1
        self._release()

    def _cut(self, indices: list[int], lengths: Sequence[int]) -> list[list[int]]:
        """Batches, the longest texts first, because they need most memory; something for each thread if possible."""
        batches = length_batches(
            [lengths[index] for index in indices],
            token_budget=self.tokens,
            max_items=max(1, min(self._max_items, -(-len(indices) // self._threads))),
            length_step=self._length_step,
        )
        return [[indices[position] for position in batch] for batch in batches]
