"""The comparison with a CUDA device runs to its end, here with the processor in the device's place."""

from __future__ import annotations

import pytest

from benchmarks import gpu
from polydesk.gpu import devices


def test_without_a_device_it_says_that_nothing_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_driver_present", lambda: False)
    result = gpu.run()
    assert result.about.startswith("not measured on CUDA")
    assert not result.ratios


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")
def test_device_and_processor_agree() -> None:
    result = gpu.compare(devices.processor(), texts=40, paths=20_000, layers=2)
    assert all(ratio > 0 for ratio in result.ratios.values())
    assert result.measured["largest difference of a probability"] <= 0.01
    assert result.measured["largest difference of a correlation"] <= 1e-6
    assert abs(result.measured["difference of the book's deviation, in standard errors"]) <= 5
