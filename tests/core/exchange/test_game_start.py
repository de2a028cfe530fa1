"""When a game starts, everything that rests on its book is cancelled, and orders are taken on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.game_start import GameStarts
from polydesk.core.exchange.venue import Exchange
from tests.core.exchange.conftest import recorded_market

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor


@pytest.mark.parametrize("spelling", ["2026-05-17T07:00:00Z", "2026-05-17 07:00:00+00"])
async def test_the_book_is_cleared_at_the_scheduled_start(
    floor: Floor, exchange: Exchange, clock: ManualClock, spelling: str
) -> None:
    GameStarts(exchange)
    exchange.markets.add_listing(recorded_market(91, gameStartTime=spelling))
    exchange.markets.add_listing(recorded_market(92, gameStartTime="2026-05-17T05:00:00Z"))
    buyer = floor.account("buyer", dollars="100")
    resting = [floor.enter(buyer, "BUY", "0.4", "10", market=market).order for market in (11, 91, 92)]
    await clock.advance(3599)
    exchange.agenda.run_due()
    assert [order.status for order in resting] == ["LIVE"] * 3
    await clock.advance(1)
    exchange.agenda.run_due()
    assert [order.status for order in resting] == ["LIVE", "CANCELED", "LIVE"]
    assert floor.enter(buyer, "BUY", "0.4", "10", market=91).status == "live"


async def test_of_a_mirrored_book_only_what_clients_rest_is_cleared(
    floor: Floor, exchange: Exchange, clock: ManualClock
) -> None:
    listing = exchange.markets.add_listing(recorded_market(91, gameStartTime="2026-05-17T07:00:00Z"))
    GameStarts(exchange)
    listing.mirrored = True
    mine = floor.enter(floor.account("buyer", dollars="100"), "BUY", "0.4", "10", market=91).order
    house = floor.order(floor.account("house", dollars="100"), "BUY", "0.39", "10", market=91)
    house.owner = ""
    exchange.trading.enter(house)
    await clock.advance(3600)
    exchange.agenda.run_due()
    assert (mine.status, house.status) == ("CANCELED", "LIVE")
