"""Small models, and a worker's memory of models that is empty at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polydesk.gpu.text import models


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Iterator[None]:
    models.forget()
    yield
    models.forget()
