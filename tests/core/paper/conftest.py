"""How the tests of this folder open a paper exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.paper_exchange import open_paper

OpenPaper = Callable[..., Any]


@pytest.fixture
def paper_on() -> OpenPaper:
    return open_paper
