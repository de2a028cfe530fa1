"""The small hand-made catalogue with more in it, for tests of what the small one leaves out."""

from __future__ import annotations

import dataclasses

from polydesk.core.exchange.catalogue import Catalogue, RecordedMarket


def with_earnings(catalogue: Catalogue) -> Catalogue:
    """The busy market pays 144 dollars a day within five cents; the one with fees gives a quarter of them back."""

    def changed(market: RecordedMarket) -> RecordedMarket:
        if market.gamma["id"] == "13":
            programme = {"rewardsMaxSpread": 5, "rewardsMinSize": 10}
            rates = [{"assetAddress": "0xC011", "rewardsDailyRate": 144}]
            return dataclasses.replace(market, gamma={**market.gamma, **programme, "clobRewards": rates})
        if market.gamma["id"] == "12":
            return dataclasses.replace(market, gamma={**market.gamma, "feeSchedule": {"rebateRate": 0.25}})
        return market

    return dataclasses.replace(catalogue, markets=tuple(map(changed, catalogue.markets)))
