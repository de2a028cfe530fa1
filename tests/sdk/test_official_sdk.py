"""The whole public surface of the official SDK, async and sync, against the exchange: each method is one row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.official_sdk_calls import ASYNC_ONLY, CALLS, NOT_APPLICABLE

pytestmark = pytest.mark.sdk


@pytest.mark.parametrize("method", CALLS)
def test_the_async_client_does(method: str, async_sdk: dict[str, Any]) -> None:
    assert async_sdk["errors"][method] is None, async_sdk["errors"][method]


@pytest.mark.parametrize("method", [method for method in CALLS if method not in ASYNC_ONLY])
def test_the_sync_client_does(method: str, sync_sdk: dict[str, Any]) -> None:
    assert sync_sdk["errors"][method] is None, sync_sdk["errors"][method]


def test_every_public_name_has_a_row_or_a_reason(async_sdk: dict[str, Any], sync_sdk: dict[str, Any]) -> None:
    assert not set(CALLS) & set(NOT_APPLICABLE)
    assert set(async_sdk["names"]) - set(CALLS) - set(NOT_APPLICABLE) == set()
    assert set(CALLS) | set(NOT_APPLICABLE) == set(async_sdk["names"])
    assert set(sync_sdk["names"]) - set(CALLS) - set(NOT_APPLICABLE) == set()
