"""What wallets let the venue's contracts move: what an operator allows, unless the owner has said something else."""

from __future__ import annotations

from .contracts import BRIDGED_DOLLARS, COLLATERAL, OFFRAMP, ONRAMP, OUTCOME_TOKENS
from .ledger_schema import TOKEN_APPROVALS
from .operator_controls import OperatorControls
from .records import Records
from .rejections import Rejection

_RAMPS = {(BRIDGED_DOLLARS.lower(), ONRAMP.lower()), (COLLATERAL.lower(), OFFRAMP.lower())}
"""No part of trading, so nobody approves them in passing: what the owner allows is all that they may."""

_TOKENS = {COLLATERAL.lower(), OUTCOME_TOKENS.lower()}


class TokenApprovals:
    """Approvals of one exchange by (address, token contract, spender), in any spelling.

    Everything that trading needs is approved at first. An approval of the owner holds until an operator changes what
    the address may.
    """

    def __init__(self, controls: OperatorControls, records: Records) -> None:
        self._controls = controls
        self._records = records
        self._given = {
            (address, token, spender): (int(amount), int(limit_then))
            for address, token, spender, amount, limit_then in records.stored(TOKEN_APPROVALS)
        }

    def approve(self, address: str, token: str, spender: str, amount: int) -> None:
        """Let a contract move so much (millionths) from now on, no more and no less."""
        key = address.lower(), token.lower(), spender.lower()
        given = self._given[key] = amount, self._controls.allowance_of(address)
        self._records.keep(TOKEN_APPROVALS, (*key, *map(str, given)))

    def amount(self, address: str, token: str, spender: str) -> int:
        """What a contract may move, in millionths of a dollar or of a share."""
        key = address.lower(), token.lower(), spender.lower()
        given = self._given.get(key)
        if key[1:] in _RAMPS:
            return 0 if given is None else given[0]
        limit = self._controls.allowance_of(address)
        if given is None or given[1] != limit:
            return limit
        return given[0]

    def check(self, address: str, amount: int, *, token: str, spender: str) -> None:
        """Raise Rejection when the contract may not move that much. Amounts are base units."""
        allowance = self.amount(address, token, spender)
        if amount > allowance:
            raise Rejection(
                "not enough balance / allowance: the allowance is not enough -> "
                f"spender: {spender}, allowance: {allowance}, order amount: {amount}"
            )


def is_known_token(address: str) -> bool:
    """Whether approvals of a token contract mean something here."""
    return address.lower() in _TOKENS
