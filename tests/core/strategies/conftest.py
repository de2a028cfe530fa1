"""Surroundings that a test fills by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.strategy_surroundings import Surrounded


@pytest.fixture
def surround(now: datetime) -> Callable[..., Surrounded]:
    def make(**given: Any) -> Surrounded:
        return Surrounded(now, **given)

    return make
