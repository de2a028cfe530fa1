"""Executors under test, with tasks that can misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from polydesk.gpu.executors.process_pool import ProcessPool
from tests.support.executors import KIND


@pytest.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    async with ProcessPool([KIND], stop_grace_s=0.2) as pool:
        yield pool
