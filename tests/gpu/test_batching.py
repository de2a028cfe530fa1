"""Batches under a token budget, also on a device that runs out of memory."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.gpu.batching import TokenBudget, length_batches, padded_length
from polydesk.gpu.devices import is_out_of_memory
from tests.support.fake_device import FakeCuda, OutOfMemoryError

LENGTHS = st.lists(st.integers(0, 200), max_size=60)


@given(lengths=LENGTHS, budget=st.integers(1, 2_000), most=st.integers(1, 20), step=st.sampled_from([1, 8, 16]))
def test_every_item_is_in_one_batch_and_no_batch_exceeds_the_budget(
    lengths: list[int], budget: int, most: int, step: int
) -> None:
    batches = length_batches(lengths, token_budget=budget, max_items=most, length_step=step)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) <= most
        assert len(batch) == 1 or padded_length(longest, step=step) * len(batch) <= budget


def test_items_of_like_length_share_a_batch() -> None:
    assert length_batches([5, 50, 6, 49], token_budget=100) == [[1, 3], [2, 0]]


def test_lengths_are_padded_to_whole_steps() -> None:
    assert [padded_length(length, step=16) for length in (0, 1, 16, 17)] == [16, 16, 16, 32]


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        length_batches([1], token_budget=0)


@given(lengths=LENGTHS)
def test_results_come_in_the_order_of_the_items_whatever_the_device_can_hold(lengths: list[int]) -> None:
    device = FakeCuda(tokens=200)
    budget = TokenBudget(4_096, out_of_memory=is_out_of_memory)
    assert budget.run(lengths, lambda batch: device.run([lengths[i] for i in batch])) == [2 * n for n in lengths]


def test_out_of_memory_halves_the_batch_and_the_budget_is_remembered() -> None:
    device = FakeCuda(tokens=300)
    budget = TokenBudget(1_024, out_of_memory=is_out_of_memory, release=device.empty_cache)
    lengths = [32] * 32

    def compute(batch: list[int]) -> list[int]:
        return device.run([lengths[index] for index in batch])

    budget.run(lengths, compute)
    assert (budget.tokens, budget.halvings, device.emptied) == (256, 2, 2)
    budget.run(lengths, compute)
    assert budget.halvings == 2
    assert {len(batch) for batch in device.batches} == {8}


def test_a_small_batch_that_does_not_fit_shrinks_too() -> None:
    device = FakeCuda(tokens=40)
    budget = TokenBudget(1_000_000, out_of_memory=is_out_of_memory)
    budget.run([32, 32], lambda batch: device.run([32] * len(batch)))
    assert budget.halvings == 1


def test_an_item_that_never_fits_fails_with_the_devices_error() -> None:
    device = FakeCuda(tokens=10)
    budget = TokenBudget(64, out_of_memory=is_out_of_memory)
    with pytest.raises(OutOfMemoryError):
        budget.run([32, 32], lambda batch: device.run([32] * len(batch)))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    budget = TokenBudget(64, out_of_memory=is_out_of_memory)

    def compute(batch: list[int]) -> list[int]:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        budget.run([1, 2], compute)
    assert budget.halvings == 0


def test_threads_compute_batches_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=10)

    def compute(batch: list[int]) -> list[int]:
        together.wait()
        return [lengths[index] for index in batch]

    lengths = [5, 9, 7, 3]
    budget = TokenBudget(1_000, out_of_memory=is_out_of_memory, threads=2)
    assert budget.run(lengths, compute) == lengths


def test_threads_too_get_smaller_batches_when_memory_is_used_up() -> None:
    device = FakeCuda(tokens=256)
    budget = TokenBudget(1_000, out_of_memory=is_out_of_memory, threads=2)
    lengths = [32] * 100
    assert len(budget.run(lengths, lambda batch: device.run([lengths[index] for index in batch]))) == 100
    assert budget.halvings >= 1
    assert budget.tokens <= 256
