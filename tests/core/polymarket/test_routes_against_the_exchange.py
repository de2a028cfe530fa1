"""Every further route of the service, asked by the client and answered by the embedded exchange over a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import InputRejected, OrderError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import ConditionId, EventId, OrderId, TokenId, TradeId
from polydesk.core.models import Market, OrderSide, OrderTicket, PlacementResult, TimeInForce
from polydesk.core.polymarket.amounts import limit_amounts
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport
from tests.support.exchanges import environment_of

PUBLIC_TEST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
NO_CHANGE = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
FED_JUNE = EventId("101772")
FED_JUNE_2025 = "no-change-in-fed-interest-rates-after-june-2025-meeting"
UNKNOWN = ConditionId("0x" + "ab" * 32)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(load_catalogue().starts_at)


@pytest.fixture
async def shared(clock: ManualClock) -> AsyncIterator[Transport]:
    settings = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    async with ExchangeServer(Exchange(load_catalogue(), settings, clock)) as server:
        environment = environment_of(server)
        async with Transport(environment, clock=clock, random=Random(11)) as opened:
            yield opened


@pytest.fixture
def clob(shared: Transport) -> CLOBClient:
    return CLOBClient(shared, signer=Signer(PUBLIC_TEST_KEY))


@pytest.fixture
def gamma(shared: Transport) -> GammaClient:
    return GammaClient(shared)


@pytest.fixture
def data(shared: Transport) -> DataClient:
    return DataClient(shared)


@pytest.fixture
async def market(gamma: GammaClient) -> Market:
    found = await gamma.market_by_slug(NO_CHANGE)
    assert found is not None
    return found


def ticket(market: Market, side: OrderSide, price: Decimal, size: str, *, outcome: int = 0) -> OrderTicket:
    amounts = limit_amounts(price=price, size_shares=Decimal(size), tick=market.tick)
    return OrderTicket(
        token_id=market.outcomes[outcome].token_id,
        condition_id=market.condition_id,
        side=side,
        price=price,
        shares=amounts.shares,
        dollars=amounts.dollars,
        time_in_force=TimeInForce.GTC,
        tick=market.tick,
        neg_risk=market.neg_risk,
    )


async def rest(clob: CLOBClient, market: Market, price: Decimal, size: str, *, outcome: int = 0) -> OrderId:
    placed = await clob.post_order(clob.sign(ticket(market, OrderSide.BUY, price, size, outcome=outcome)))
    assert placed.status == "live"
    return placed.order_id


async def buy(clob: CLOBClient, market: Market, size: str = "10") -> PlacementResult:
    price = await clob.price(market.outcomes[0].token_id, OrderSide.SELL, fresh=True)
    assert price is not None
    placed = await clob.post_order(clob.sign(ticket(market, OrderSide.BUY, price, size)))
    assert placed.status == "matched"
    return placed


async def sell(clob: CLOBClient, market: Market, size: str = "10") -> PlacementResult:
    price = await clob.price(market.outcomes[0].token_id, OrderSide.BUY, fresh=True)
    assert price is not None
    placed = await clob.post_order(clob.sign(ticket(market, OrderSide.SELL, price, size)))
    assert placed.status == "matched"
    return placed


# -- the account -------------------------------------------------------------------------------------------------------


async def test_orders_near_the_midpoint_score_and_their_share_of_the_rewards_is_known(
    clob: CLOBClient, market: Market
) -> None:
    bid = await clob.price(market.outcomes[0].token_id, OrderSide.BUY)
    other_bid = await clob.price(market.outcomes[1].token_id, OrderSide.BUY)
    assert bid is not None
    assert other_bid is not None
    first = await rest(clob, market, bid, "200")
    assert await clob.order_scoring(first) is False, "beyond 0.90 one side alone does not score"
    second = await rest(clob, market, other_bid, "200", outcome=1)
    small = await rest(clob, market, bid, "20")
    far = await rest(clob, market, bid - Decimal("0.5"), "200")
    assert await clob.order_scoring(first) is True
    assert await clob.orders_scoring([first, second, small, far]) == {
        first: True,
        second: True,
        small: False,
        far: False,
    }
    assert await clob.order_scoring(OrderId("0x" + "00" * 32)) is False
    assert await clob.orders_scoring([]) == {}
    shares = await clob.reward_shares()
    assert shares.keys() == {market.condition_id}
    assert 0 < shares[market.condition_id] < 100


async def test_the_reward_programme_of_all_markets_and_of_one(
    clob: CLOBClient, market: Market, clock: ManualClock
) -> None:
    programmes = [programme async for programme in clob.reward_programmes()]
    assert len(programmes) == 5
    programme = await clob.reward_programme(market.condition_id)
    assert programme is not None
    assert (programme.max_spread_cents, programme.min_size_shares) == (Decimal("3.5"), Decimal(200))
    assert programme.slug == NO_CHANGE
    assert [token.token_id for token in programme.tokens] == [each.token_id for each in market.outcomes]
    assert programme.rate_per_day == 0
    assert await clob.reward_programme(UNKNOWN) is None
    assert await clob.reward_earnings(clock.now().date()) == ()
    assert await clob.reward_totals(clock.now().date()) == ()


async def test_orders_of_a_key_that_stops_beating_are_cancelled(
    clob: CLOBClient, market: Market, clock: ManualClock
) -> None:
    order_id = await rest(clob, market, Decimal("0.5"), "10")
    beat = await clob.heartbeat()
    await clock.advance(9)
    beat = await clob.heartbeat(beat)
    await clock.advance(9)
    assert [order.id for order in await clob.open_orders()] == [order_id]
    with pytest.raises(OrderError, match="Invalid Heartbeat ID"):
        await clob.heartbeat("not the id")
    await clock.advance(2)
    assert await clob.open_orders() == ()
    with pytest.raises(OrderError, match="Invalid Heartbeat ID"):
        await clob.heartbeat(beat)
    assert await clob.heartbeat()


async def test_a_key_without_heartbeats_keeps_its_orders(clob: CLOBClient, market: Market, clock: ManualClock) -> None:
    order_id = await rest(clob, market, Decimal("0.5"), "10")
    await clock.advance(3600)
    assert [order.id for order in await clob.open_orders()] == [order_id]


async def test_keys_are_listed_and_deleted(clob: CLOBClient) -> None:
    first = await clob.credentials()
    assert await clob.api_keys() == (first.key,)
    reader = await clob.create_readonly_api_key()
    another = await clob.create_readonly_api_key()
    assert await clob.readonly_api_keys() == (reader, another)
    await clob.delete_readonly_api_key(reader)
    assert await clob.readonly_api_keys() == (another,)
    assert await clob.closed_only() is False
    await clob.delete_api_key()
    assert await clob.api_keys() == ((await clob.credentials()).key,)
    assert (await clob.credentials()).key != first.key


async def test_one_trade_is_found_by_its_id(clob: CLOBClient, market: Market) -> None:
    placed = await buy(clob, market)
    (fill,) = await clob.trade(placed.trade_ids[0])
    assert (fill.id, fill.order_id) == (placed.trade_ids[0], placed.order_id)
    assert await clob.trade(TradeId("00000000-0000-4000-8000-000000000000")) == ()


async def test_more_than_fifteen_orders_are_placed_in_several_requests(clob: CLOBClient, market: Market) -> None:
    signed = [clob.sign(ticket(market, OrderSide.BUY, Decimal("0.01") * (index + 1), "10")) for index in range(17)]
    placed = await clob.post_orders(signed)
    assert [getattr(each, "order_id", each) for each in placed] == [order.order_id for order in signed]
    assert len(await clob.open_orders()) == 17


# -- market data -------------------------------------------------------------------------------------------------------


async def test_a_history_beyond_fifteen_days_is_one_series_without_repeats_or_the_present(
    clob: CLOBClient, market: Market, clock: ManualClock
) -> None:
    token_id = market.outcomes[0].token_id
    start = clock.now() - timedelta(days=40)
    history = await clob.price_history(token_id, start=start, fidelity_min=60)
    times = [point.at for point in history.points]
    assert times == sorted(set(times))
    assert times[-1] - times[0] > timedelta(days=29)
    assert {moment.minute for moment in times} == {0}
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(hours=1)}


async def test_histories_of_many_tokens_agree_with_the_single_ones(
    clob: CLOBClient, gamma: GammaClient, clock: ManualClock
) -> None:
    markets = [each async for each in gamma.iterate_markets()]
    tokens = [outcome.token_id for each in markets for outcome in each.outcomes]
    wanted = [*tokens, *(TokenId(str(number)) for number in range(25 - len(tokens)))]
    start, end = clock.now() - timedelta(days=20), clock.now() - timedelta(days=1)
    found = await clob.price_histories(wanted, start=start, end=end, fidelity_min=60)
    assert list(found) == wanted
    single = await clob.price_history(tokens[0], start=start, end=end, fidelity_min=60)
    assert found[tokens[0]].points == single.points
    assert single.points
    assert found[wanted[-1]].points == ()


async def test_candles_hold_the_midpoints_of_their_time(clob: CLOBClient, market: Market, clock: ManualClock) -> None:
    start = clock.now() - timedelta(days=3)
    yes, no = [await clob.candles(each.token_id, size="1d", start=start, limit=3) for each in market.outcomes]
    assert len(yes) == 3
    for candle, mirrored in zip(yes, no, strict=True):
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
        assert (mirrored.high, mirrored.low) == (1 - candle.low, 1 - candle.high)
        assert candle.at.hour == 0
    assert await clob.candles(TokenId("1"), size="1h", start=start) == ()
    with pytest.raises(InputRejected):
        await clob.candles(TokenId("1"), size="1h", start=start, limit=1001)


async def test_fees_are_those_charged_and_the_legacy_figure_is_apart(clob: CLOBClient, market: Market) -> None:
    fees = await clob.fees(market.condition_id)
    assert fees is not None
    assert fees.rate == Decimal("0.05")
    assert await clob.base_fee(market.outcomes[0].token_id) == 1000
    assert await clob.fees(UNKNOWN) is None
    assert await clob.base_fee(TokenId("1")) is None


async def test_listings_are_walked_to_their_end(clob: CLOBClient, gamma: GammaClient) -> None:
    everything = [each.condition_id async for each in clob.iterate_listing("simplified-markets")]
    assert len(everything) == len(set(everything)) == 12
    sampling = [each.condition_id async for each in clob.iterate_listing("sampling-markets")]
    assert set(sampling) < set(everything)
    slim = [each.condition_id async for each in clob.iterate_listing("sampling-simplified-markets")]
    assert slim == sampling
    open_ones = [each.condition_id async for each in gamma.iterate_markets()]
    closed_ones = [each.condition_id async for each in gamma.iterate_markets(closed=True)]
    assert {*open_ones, *closed_ones} == set(everything)


# -- the catalogue -----------------------------------------------------------------------------------------------------


async def test_events_come_page_by_page(gamma: GammaClient) -> None:
    events = [event.id async for event in gamma.iterate_events(page_size=2)]
    assert len(events) == len(set(events)) == 5


async def test_series_tags_and_comments_around_an_event(gamma: GammaClient, market: Market) -> None:
    (series,) = await gamma.series_list(slugs=("fomc",))
    assert (series.id, series.recurrence) == ("35", "monthly")
    assert series.volume > 0
    again = await gamma.series("35")
    assert again is not None
    assert FED_JUNE in {event.id for event in again.events}
    assert await gamma.series("36") is None
    assert await gamma.series_list(recurrence="daily") == ()

    tags = await gamma.event_tags(FED_JUNE)
    assert tags == await gamma.market_tags(market.id)
    fed = next(tag for tag in tags if tag.label == "Fed Rates")
    assert await gamma.tag(fed.id) == await gamma.tag_by_slug(fed.slug) == fed
    assert await gamma.tag_by_slug("no-such-tag") is None
    related = await gamma.related_tags(fed.id)
    assert [each.rank for each in related] == list(range(1, len(related) + 1))
    assert [tag.id for tag in await gamma.related_tag_subjects(fed.id)] == [each.related_tag_id for each in related]
    assert await gamma.related_tags("999999999") == ()
    assert await gamma.comments("Event", FED_JUNE) == ()
    with pytest.raises(InputRejected):
        await gamma.series_list(limit=51)


async def test_what_a_market_has_traded_and_what_rests_in_it(gamma: GammaClient, market: Market) -> None:
    statistics = await gamma.market_statistics(market.id)
    assert statistics is not None
    assert statistics.volume == market.volume
    assert statistics.volume_24h == market.volume_24h
    assert statistics.volume_1w is not None
    assert statistics.volume_1w >= market.volume_24h
    assert statistics.liquidity == market.liquidity


# -- the records -------------------------------------------------------------------------------------------------------


async def test_what_was_bought_and_sold_shows_in_every_public_record(
    clob: CLOBClient, data: DataClient, market: Market
) -> None:
    bought, sold = await buy(clob, market, "10"), await sell(clob, market, "10")
    page = await data.activity(clob.account)
    assert [(each.kind, each.side, each.size) for each in page.items] == [
        ("TRADE", OrderSide.SELL, Decimal(10)),
        ("TRADE", OrderSide.BUY, Decimal(10)),
    ]
    assert page.items[1].dollars > bought.making, "the fee is in it"
    assert (await data.activity(clob.account, kinds=("REDEEM",))).items == ()
    (closed,) = await data.closed_positions(clob.account)
    assert (closed.status, closed.size) == ("CLOSED", Decimal(0))
    assert closed.realized < 0
    assert await data.positions(clob.account) == ()
    tape = [trade async for trade in data.iterate_trades(condition_id=market.condition_id)]
    assert [trade.side for trade in tape] == [OrderSide.SELL, OrderSide.BUY]
    volume = await data.live_volume(FED_JUNE)
    assert volume is not None
    assert volume.total_shares == volume.by_market[market.condition_id] == Decimal(20)
    assert await data.live_volume(EventId("1")) is None
    assert sold.making == Decimal(10)


async def test_holders_and_open_interest_count_traders_and_not_the_stock_of_the_house(
    clob: CLOBClient, data: DataClient, market: Market
) -> None:
    assert await data.open_interest([market.condition_id]) == {market.condition_id: 0}
    await buy(clob, market, "10")
    holders = await data.holders([market.condition_id])
    yes, no = (outcome.token_id for outcome in market.outcomes)
    assert [(each.user, each.shares, each.outcome_index) for each in holders[yes]] == [
        (clob.account.lower(), Decimal(10), 0)
    ]
    assert holders[no] == ()
    with pytest.raises(InputRejected):
        await data.holders([])
    with pytest.raises(InputRejected):
        await data.open_interest([UNKNOWN] * 21)


async def test_open_interest_is_what_positions_lock(clob: CLOBClient, data: DataClient, market: Market) -> None:
    await buy(clob, market, "10")
    assert await data.open_interest([market.condition_id]) == {market.condition_id: Decimal(10)}
    assert await data.open_interest() == {"GLOBAL": Decimal(10)}


async def test_traders_are_ranked(clob: CLOBClient, data: DataClient, market: Market) -> None:
    assert await data.standing(clob.account) is None
    await buy(clob, market, "10")
    (first,) = (await data.leaderboard(order="VOLUME", period="week")).items
    assert (first.user, first.rank, first.volume) == (clob.account.lower(), 1, Decimal(10))
    standing = await data.standing(clob.account, period="all")
    assert standing is not None
    assert (standing.rank, standing.volume_rank) == (1, 1)


async def test_resolutions_tell_decided_from_open_markets(data: DataClient, gamma: GammaClient, market: Market) -> None:
    decided = await gamma.market_by_slug(FED_JUNE_2025)
    assert decided is not None
    (record,) = await data.resolutions(decided.condition_id)
    assert (record.status, record.price) == ("resolved", Decimal(1))
    (record,) = await data.resolutions(market.condition_id)
    assert (record.status, record.price) == ("initialized", None)


async def test_the_data_service_has_the_same_prices(
    clob: CLOBClient, data: DataClient, market: Market, clock: ManualClock
) -> None:
    token_id, end = market.outcomes[0].token_id, clock.now() - timedelta(days=1)
    start = end - timedelta(days=14)
    points = await data.price_history(token_id, start=start, end=end, bucket_s=3600)
    assert len(points) > 300, "several pages"
    assert points == (await clob.price_history(token_id, start=start, end=end, fidelity_min=60)).points
    with pytest.raises(InputRejected):
        await data.price_history(token_id, start=start, end=start + timedelta(days=16))
    with pytest.raises(InputRejected):
        await data.price_history(token_id, start=start, bucket_s=30)
