"""Which executor a setting names, by what is installed and what devices there are."""

from __future__ import annotations

import importlib.util

import pytest

from polydesk.gpu import devices
from polydesk.gpu.executors import choice
from polydesk.gpu.executors.choice import NoDevice, choose_executor
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.executors.process_pool import ProcessPool


def workers(compute: str) -> dict[str, int]:
    return {kind.kind: kind.workers for kind in choose_executor(compute).describe().kinds}


def test_auto_takes_every_cuda_device_for_what_uses_them_if_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "cuda_devices", lambda: ("0", "1"))
    monkeypatch.setattr(devices, "has_torch", lambda: True)
    assert workers("auto") == workers("cuda") == {"simulation": 2, "text": 2}
    assert workers("cpu") == {"simulation": 1, "text": 1}
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    assert workers("auto") == {"simulation": 1, "text": 1}


def test_a_device_that_is_not_there_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "cuda_devices", lambda: ())
    monkeypatch.setattr(devices, "has_torch", lambda: True)
    with pytest.raises(NoDevice, match="no CUDA device is visible"):
        choose_executor("cuda")
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    with pytest.raises(NoDevice, match="torch is not installed"):
        choose_executor("cuda")


def test_a_cluster_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoDevice, match=r"pip install 'polydesk\[cluster\]'"):
        choose_executor("ray://127.0.0.1:10001")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert choose_executor("ray").describe().backend == "ray"


def test_the_others_are_here() -> None:
    assert isinstance(choose_executor("inline"), InlineExecutor)
    assert isinstance(choose_executor("cpu"), ProcessPool)
