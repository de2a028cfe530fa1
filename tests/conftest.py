"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from polydesk.core.key_storage.ethereum import account_type

account_type()  # before any test module loads it directly, which would let nested JSON end the process

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recordings that may be read in place but not copied into the project."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"recordings not found at {_SHARED_DATA}; they are not part of the repository")
    return _SHARED_DATA
