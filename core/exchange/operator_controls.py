"""What an operator of the exchange may do to accounts: ban them, let them only close, cut their allowance, block a
region, cancel an order or fail a transaction on chain, remember an old balance, and set their rate-limit tier."""

from __future__ import annotations

from dataclasses import dataclass, field

from .contracts import MAX_ALLOWANCE
from .rejections import Rejection
from .settings import ExchangeSettings

GEOBLOCKED = (
    "Trading restricted in your region, please refer to available regions - "
    "https://docs.polymarket.com/developers/CLOB/geoblock"
)


@dataclass(slots=True)
class OperatorControls:
    """The states of one exchange's addresses, in any spelling. They hold from the next request on.

    `country` is where requests seem to come from, as an ISO 3166 code; `blocked` whether orders are refused for it.
    """

    country: str = "PT"
    blocked: bool = False
    _banned: set[str] = field(default_factory=set)
    _closed_only: set[str] = field(default_factory=set)
    _allowances: dict[str, int] = field(default_factory=dict)
    _cancelled_on_chain: set[str] = field(default_factory=set)
    _tiers: dict[str, str] = field(default_factory=dict)
    _undeployed: set[str] = field(default_factory=set)
    _failing: set[str] = field(default_factory=set)
    _remembered: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: ExchangeSettings) -> OperatorControls:
        """What the settings begin with."""
        controls = cls()
        for address in settings.banned_addresses:
            controls.ban(address)
        for address in settings.closed_only_addresses:
            controls.close_only(address)
        if settings.geoblocked_country is not None:
            controls.country, controls.blocked = settings.geoblocked_country, True
        return controls

    def ban(self, address: str, *, banned: bool = True) -> None:
        """Refuse every order of an address, or no longer."""
        _put(self._banned, address, banned)

    def close_only(self, address: str, *, closed_only: bool = True) -> None:
        """Refuse the BUY orders of an address, or no longer. It may sell what it has."""
        _put(self._closed_only, address, closed_only)

    def allow(self, address: str, amount: int) -> None:
        """Limit what an address lets the contracts move, in millionths of a dollar or of a share."""
        self._allowances[address.lower()] = amount

    def cancel_on_chain(self, order_id: str) -> None:
        """Cancel an order in the contract before it is posted."""
        self._cancelled_on_chain.add(order_id.lower())

    def leave_undeployed(self, wallet: str) -> None:
        """Say that a wallet has no code on chain yet, though money was sent to it."""
        _put(self._undeployed, wallet, True)

    def let_transactions_fail(self, owner: str, *, failing: bool = True) -> None:
        """Let what the relayer sends for an owner fail on chain, or no longer."""
        _put(self._failing, owner, failing)

    def fails_on_chain(self, owner: str) -> bool:
        return owner.lower() in self._failing

    def is_undeployed(self, wallet: str) -> bool:
        return wallet.lower() in self._undeployed

    def remember_balance(self, address: str, amount: int) -> None:
        """Answer an old balance, in millionths of a dollar, until the client asks for a new look at the chain."""
        self._remembered[address.lower()] = amount

    def remembered_balance(self, address: str) -> int | None:
        return self._remembered.get(address.lower())

    def look_again(self, address: str) -> None:
        """Forget an old balance."""
        self._remembered.pop(address.lower(), None)

    def put_in_tier(self, address: str, tier: str) -> None:
        """Fix the rate-limit tier of an address, whatever it trades."""
        self._tiers[address.lower()] = tier

    def is_closed_only(self, address: str) -> bool:
        return address.lower() in self._closed_only

    def allowance_of(self, address: str) -> int:
        return self._allowances.get(address.lower(), MAX_ALLOWANCE)

    def is_cancelled_on_chain(self, order_id: str) -> bool:
        return order_id.lower() in self._cancelled_on_chain

    def tier_of(self, address: str) -> str | None:
        return self._tiers.get(address.lower())

    def check_region(self) -> None:
        """Raise Rejection (403) where trading is restricted."""
        if self.blocked:
            raise Rejection(GEOBLOCKED, status=403)

    def check_sender(self, address: str, *, buys: bool) -> None:
        """Raise Rejection for a banned address, and for one that may only close and would open."""
        if address.lower() in self._banned:
            raise Rejection(f"'{address}' address banned")
        if buys and self.is_closed_only(address):
            raise Rejection(f"'{address}' address in closed only mode")


def _put(group: set[str], address: str, member: bool) -> None:
    if member:
        group.add(address.lower())
    else:
        group.discard(address.lower())
