"""The routes that make, list and delete API keys."""

from __future__ import annotations

from .credentials import ApiCredentials
from .request import RequestSpec
from .wire.account import (
    parse_api_key,
    parse_api_keys,
    parse_closed_only,
    parse_rate_limit_tier,
    parse_readonly_api_key,
    parse_readonly_api_keys,
)


def create_api_key_spec() -> RequestSpec[ApiCredentials]:
    """Refused when the key exists already; making it twice is harmless, so it may be retried."""
    return RequestSpec(service="clob", method="POST", path="/auth/api-key", parse=parse_api_key, auth="l1")


def derive_api_key_spec() -> RequestSpec[ApiCredentials]:
    return RequestSpec(service="clob", method="GET", path="/auth/derive-api-key", parse=parse_api_key, auth="l1")


def api_keys_spec() -> RequestSpec[tuple[str, ...]]:
    return RequestSpec(service="clob", method="GET", path="/auth/api-keys", parse=parse_api_keys, auth="l2")


def delete_api_key_spec() -> RequestSpec[None]:
    """Deletes the key that signs the request. Not retried: a second attempt would no longer be authorised."""
    return RequestSpec(
        service="clob",
        method="DELETE",
        path="/auth/api-key",
        parse=lambda _, __: None,
        auth="l2",
        idempotent=False,
    )


def create_readonly_api_key_spec() -> RequestSpec[str]:
    """Not retried: every request makes another key."""
    return RequestSpec(
        service="clob",
        method="POST",
        path="/auth/readonly-api-key",
        parse=parse_readonly_api_key,
        auth="l2",
        idempotent=False,
    )


def readonly_api_keys_spec() -> RequestSpec[tuple[str, ...]]:
    return RequestSpec(
        service="clob", method="GET", path="/auth/readonly-api-keys", parse=parse_readonly_api_keys, auth="l2"
    )


def delete_readonly_api_key_spec(key: str) -> RequestSpec[None]:
    return RequestSpec(
        service="clob",
        method="DELETE",
        path="/auth/readonly-api-key",
        body={"key": key},
        parse=lambda _, __: None,
        auth="l2",
    )


def rate_limit_tier_spec() -> RequestSpec[str]:
    return RequestSpec(
        service="clob", method="GET", path="/v1/user/rate-limit-tier", parse=parse_rate_limit_tier, auth="l2"
    )


def closed_only_spec() -> RequestSpec[bool]:
    return RequestSpec(
        service="clob", method="GET", path="/auth/ban-status/closed-only", parse=parse_closed_only, auth="l2"
    )
