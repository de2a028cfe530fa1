"""What is chosen for a device, by what it reports."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from polydesk.gpu import devices
from polydesk.gpu.devices import Device
from tests.support.fake_device import FakeCuda, OutOfMemoryError


@pytest.mark.parametrize(
    ("capability", "dtype", "attention"),
    [
        ((9, 0), "bfloat16", ("flash", "efficient", "math")),
        ((8, 0), "bfloat16", ("flash", "efficient", "math")),
        ((7, 5), "float16", ("efficient", "math")),
        ((7, 0), "float16", ("efficient", "math")),
        ((6, 1), "float32", ("efficient", "math")),
        ((3, 5), "float32", ("math",)),
    ],
)
def test_number_format_and_kernels_follow_the_capability(
    capability: tuple[int, int], dtype: str, attention: tuple[str, ...]
) -> None:
    device = devices.this_device(FakeCuda(capability=capability))
    assert (device.name, device.model, device.is_cuda) == ("cuda:0", "Fake 1000", True)
    assert (device.dtype, device.attention) == (dtype, attention)


@pytest.mark.parametrize(("features", "dtype"), [({"avx512_bf16"}, "bfloat16"), ({"avx2"}, "float32")])
def test_a_processor_computes_in_bfloat16_only_with_instructions_for_it(features: set[str], dtype: str) -> None:
    assert Device("cpu", "some processor", features=frozenset(features)).dtype == dtype


def test_without_a_cuda_device_it_is_the_processor() -> None:
    device = devices.this_device(FakeCuda(available=False))
    assert (device.name, device.is_cuda, device.attention) == ("cpu", False, ("flash", "math"))
    assert device.model


def test_a_worker_that_may_see_no_device_does_not_load_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_driver_present", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.this_device().name == "cpu"
    assert "torch" not in sys.modules


def test_the_driver_tells_of_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert devices.cuda_driver_present(tmp_path)
    assert not devices.cuda_driver_present(tmp_path / "gpus")


def test_threads_are_those_given_by_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert devices.threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert devices.threads() == devices.cores() >= 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("[ONNXRuntimeError] : Failed to allocate memory for requested buffer"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_lack_of_memory_is_recognised(error: Exception, expected: bool) -> None:
    assert devices.is_out_of_memory(error) is expected


def test_memory_is_released_only_where_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    devices.release_memory()
    fake = FakeCuda()
    monkeypatch.setitem(sys.modules, "torch", fake)
    devices.release_memory()
    assert fake.emptied == 1
