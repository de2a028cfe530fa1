"""Executors under test, with tasks that can misbehave."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polydesk.gpu.executors.process_pool import ProcessPool

TASKS = "pool_tasks"


@pytest.fixture(autouse=True)
def _test_tasks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers inherit the import path of the process that starts them."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent)])


@pytest.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    async with ProcessPool(task_module=TASKS, stop_grace_s=0.2) as pool:
        yield pool
