"""The account behind an API key: its keys and its balances."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...errors import UnexpectedPayload
from ...models import AccountBalance
from ...money import from_micro, plain
from ..credentials import ApiCredentials
from .fields import Flag, Shape, Text, TextList, member, read_shape


class ApiKeyShape(Shape):
    apiKey: str
    secret: str
    passphrase: str


class BalanceShape(Shape):
    """Base units as whole numbers; an older spelling with a decimal point is in dollars or shares."""

    balance: Text
    allowance: Text = ""
    allowances: dict[str, Text] | None = None

    def amount(self) -> Decimal:
        return _amount(self.balance, path="balance")

    def allowance_for(self, spenders: Collection[str]) -> Decimal:
        """The smallest allowance among `spenders` (addresses); among all when none of them is listed."""
        listed = {spender.lower(): text for spender, text in (self.allowances or {}).items()}
        wanted = [listed[spender.lower()] for spender in spenders if spender.lower() in listed]
        texts = wanted or list(listed.values()) or ([self.allowance] if self.allowance else [])
        return min((_amount(text, path="allowances") for text in texts), default=Decimal(0))


def _amount(text: str, *, path: str) -> Decimal:
    try:
        return from_micro(int(text)) if "." not in text else plain(Decimal(text))
    except (ValueError, ArithmeticError) as error:
        raise UnexpectedPayload(f"{path}: not a number", path=path) from error


def parse_api_key(payload: Any, _: datetime) -> ApiCredentials:
    shape = read_shape(ApiKeyShape, payload)
    return ApiCredentials(shape.apiKey, shape.secret, shape.passphrase)


class ApiKeysShape(Shape):
    apiKeys: TextList


def parse_api_keys(payload: Any, _: datetime) -> tuple[str, ...]:
    member(payload, "apiKeys")
    return read_shape(ApiKeysShape, payload).apiKeys


class ReadonlyApiKeysShape(Shape):
    readonlyApiKeys: TextList


class ClosedOnlyShape(Shape):
    closed_only: Flag


def parse_readonly_api_key(payload: Any, _: datetime) -> str:
    """The id of the key just made; a read-only key has neither secret nor passphrase."""
    return str(member(payload, "apiKey"))


def parse_readonly_api_keys(payload: Any, _: datetime) -> tuple[str, ...]:
    member(payload, "readonlyApiKeys")
    return read_shape(ReadonlyApiKeysShape, payload).readonlyApiKeys


def parse_closed_only(payload: Any, _: datetime) -> bool:
    return read_shape(ClosedOnlyShape, payload).closed_only


def parse_rate_limit_tier(payload: Any, _: datetime) -> str:
    """The tier's name. The shape is documented nowhere: `tier` or `name`, in an object or one below."""
    for name in ("tier", "name"):
        found = payload.get(name) if isinstance(payload, dict) else None
        if isinstance(found, dict):
            return parse_rate_limit_tier(found, _)
        if isinstance(found, str):
            return found
    raise UnexpectedPayload("tier: missing", path="tier")


def parse_heartbeat(payload: Any, _: datetime) -> str:
    """The id that the next heartbeat must carry."""
    return str(member(payload, "heartbeat_id"))


def parse_account_balance(payload: Any, as_of: datetime, *, spenders: Collection[str]) -> AccountBalance:
    shape = read_shape(BalanceShape, payload)
    return AccountBalance(collateral=shape.amount(), allowance=shape.allowance_for(spenders), as_of=as_of)


def parse_token_balance(payload: Any, _: datetime) -> Decimal:
    return read_shape(BalanceShape, payload).amount()
