"""The real torch agrees with what the fake device stands for."""

from __future__ import annotations

import pytest

from polydesk.gpu import devices
from polydesk.gpu.batching import TokenBudget

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("default")]


def test_its_device_is_the_one_that_it_would_choose() -> None:
    import torch

    device = devices.this_device(torch)
    assert device.is_cuda == torch.cuda.is_available()
    assert torch.zeros(1, device=device.name, dtype=getattr(torch, device.dtype)).device.type in device.name


def test_its_own_lack_of_memory_halves_the_budget() -> None:
    import torch

    budget = TokenBudget(1_024, out_of_memory=devices.is_out_of_memory, release=devices.release_memory)

    def compute(batch: list[int]) -> list[int]:
        if len(batch) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return batch

    assert budget.run([32] * 32, compute) == list(range(32))
    assert budget.tokens == 256


def test_more_memory_than_the_processor_has_counts_as_a_lack_of_it() -> None:
    import torch

    with pytest.raises(RuntimeError) as failure:
        torch.empty(1 << 50, dtype=torch.uint8)
    assert devices.is_out_of_memory(failure.value)
