"""Whether key, funder and signature type belong together, and which wallets have been used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..identifiers import Address
from ..polymarket.data_api import DataClient
from ..polymarket.signing import SignatureType
from ..polymarket.transport import Transport
from ..polymarket.wallets import CandidateWallet, wallet_of
from .findings import Finding, finding
from .venue_texts import named


async def used_wallets(transport: Transport, wallets: Sequence[CandidateWallet]) -> tuple[CandidateWallet, ...]:
    """Those of the wallets that have a history at the venue, from the public records."""
    data = DataClient(transport)
    pages = await asyncio.gather(*(data.activity(each.address, deposits=True, limit=1) for each in wallets))
    return tuple(wallet for wallet, page in zip(wallets, pages, strict=True) if page.items)


def wallet_findings(
    owner: Address, funder: str | None, signature_type: SignatureType, wallets: Sequence[CandidateWallet]
) -> list[Finding]:
    """Whether key, funder and signature type belong together."""
    given = int(signature_type)
    if funder is None:
        if signature_type is SignatureType.EOA:
            return []
        right = next((each.address for each in wallets if each.signature_type is signature_type), "")
        return [finding("funder_missing", given=given, right=right)]
    found = wallet_of(owner, funder)
    if found is None:
        return [finding("funder_not_of_key", owner=owner, funder=funder, wallets=named(wallets))]
    right_type = int(found.signature_type)
    if found.signature_type is signature_type:
        return []
    if signature_type is SignatureType.EOA:
        return [finding("funder_with_eoa", owner=owner, funder=funder, right=right_type)]
    return [finding("wrong_signature_type", funder=funder, kind=found.kind, right=right_type, given=given)]
