"""The whole public surface of the V2 client against the exchange: each method is one row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.v2_client_calls import CALLS, NOT_APPLICABLE

pytestmark = pytest.mark.sdk


@pytest.mark.parametrize("method", CALLS)
def test_the_client_does(method: str, v2_client: dict[str, Any]) -> None:
    assert v2_client["errors"][method] is None, v2_client["errors"][method]


def test_every_public_name_has_a_row_or_a_reason(v2_client: dict[str, Any]) -> None:
    assert not set(CALLS) & set(NOT_APPLICABLE)
    assert set(CALLS) | set(NOT_APPLICABLE) == set(v2_client["names"])
