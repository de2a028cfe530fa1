"""When rules fire: once when it begins, again only after it was clearly over, never for what lay before them."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.alerts.account_conditions import judge_drawdown, judge_exposure
from polydesk.core.alerts.catalogue_conditions import VolumesSeen, judge_resolution, judge_volume
from polydesk.core.alerts.levels import Judgement, Memory, after_restart, level
from polydesk.core.alerts.market_conditions import BookSeen, PricesSeen, judge_imbalance, judge_price, judge_spread
from polydesk.core.alerts.rule_arguments import checked_rule
from polydesk.core.alerts.rules import AlertKind, AlertRule, Target
from polydesk.core.alerts.run_conditions import FALSE_ALARM, RunSeen, judge_runs, shortfall_bound
from polydesk.core.alerts.system_conditions import (
    RequestsSeen,
    StreamSeen,
    judge_requests,
    judge_stream,
    judge_troubles,
)
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import Market
from polydesk.core.models.market import Resolution

D = Decimal
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARGET = Target(
    condition_id=ConditionId("0x" + "1" * 64), token_id=TokenId("7"), slug="rain", question="Rain?", outcome="Yes"
)


def rule(kind: AlertKind, **fields: Any) -> AlertRule:
    return AlertRule(kind=kind, target=TARGET, **fields)


def seen(price: str | None, *, spread: str | None = None, imbalance: str | None = None) -> BookSeen:
    figures = (D(each) if each is not None else None for each in (price, spread, imbalance))
    return BookSeen(*figures)


def fired_at(judge: Any, one: AlertRule, values: Iterable[Any], *, every_s: float = 1.0) -> list[int]:
    """The numbers of the looks at which a rule fires."""
    memory: Memory = {}
    found = []
    for number, value in enumerate(values):
        judged: Judgement = judge(one, memory, value, NOW + timedelta(seconds=number * every_s))
        memory = judged.memory
        found += [number] * len(judged.occurrences)
    return found


def prices(one: AlertRule, *values: str | None) -> list[int]:
    return fired_at(judge_price, one, [PricesSeen(seen(value)) for value in values])


def test_a_price_that_reaches_its_level_fires_and_hovering_there_does_not() -> None:
    above = rule(AlertKind.PRICE_CROSSES, threshold=D("0.6"), direction="above")
    assert prices(above, "0.59", "0.60", "0.599", "0.601", "0.595", "0.62") == [1]
    assert prices(above, "0.59", "0.60", "0.589", "0.60") == [1, 3]


def test_a_price_beyond_its_level_from_the_start_must_leave_it_first() -> None:
    above = rule(AlertKind.PRICE_CROSSES, threshold=D("0.6"), direction="above")
    assert prices(above, "0.7", "0.8", "0.58", "0.6") == [3]


def test_below_and_either_look_the_other_way_too() -> None:
    assert prices(rule(AlertKind.PRICE_CROSSES, threshold=D("0.4"), direction="below"), "0.5", "0.4", "0.3") == [1]
    either = rule(AlertKind.PRICE_CROSSES, threshold=D("0.5"), direction="either")
    assert prices(either, "0.45", "0.55", "0.45", "0.55") == [1, 2, 3]
    assert prices(either, "0.49", "0.50", "0.499", "0.501", "0.50") == [1]


def test_close_to_the_ends_a_price_has_to_come_back_by_less() -> None:
    above = rule(AlertKind.PRICE_CROSSES, threshold=D("0.998"), direction="above")
    assert prices(above, "0.99", "0.998", "0.9975", "0.9965", "0.999") == [1, 4]


def test_without_a_midpoint_nothing_is_judged_and_nothing_forgotten() -> None:
    above = rule(AlertKind.PRICE_CROSSES, threshold=D("0.6"), direction="above")
    assert prices(above, "0.5", None, "0.7", None, "0.7") == [2]


def test_what_must_last_fires_when_it_has_and_an_interruption_begins_it_anew() -> None:
    lasting = rule(AlertKind.PRICE_CROSSES, threshold=D("0.6"), direction="above", lasting_s=2)
    assert prices(lasting, "0.5", "0.6", "0.6", "0.6", "0.6") == [3]
    assert prices(lasting, "0.5", "0.6", "0.5", "0.6", "0.6", "0.6") == [5]


def test_a_move_is_measured_from_the_lowest_or_highest_within_the_time() -> None:
    moves = rule(AlertKind.PRICE_CROSSES, threshold=D("0.05"), direction="either", within_s=60)
    window = [(NOW, D("0.40")), (NOW, D("0.44"))]

    def look(price: str, memory: Memory) -> Judgement:
        return judge_price(moves, memory, PricesSeen(seen(price), window), NOW)

    risen = look("0.45", {})
    assert [each.facts["moved"] for each in risen.occurrences] == ["0.05"]
    assert look("0.46", risen.memory).occurrences == ()
    assert look("0.43", {}).occurrences == ()
    fallen = look("0.39", {})
    assert [each.facts["direction"] for each in fallen.occurrences] == ["below"]


@given(st.lists(st.integers(5_900, 6_100), max_size=60))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # which a busy machine is
def test_two_alerts_of_one_level_are_always_apart_by_the_slack(steps: Sequence[int]) -> None:
    above = rule(AlertKind.PRICE_CROSSES, threshold=D("0.6"), direction="above")
    path = [D(each) / 10_000 for each in steps]
    fired = fired_at(judge_price, above, [PricesSeen(BookSeen(each, None, None)) for each in path])
    for first, second in itertools.pairwise(fired):
        assert min(path[first:second]) < D("0.59")


def test_spreads_fire_when_wide_or_narrow_and_rearm_at_eighty_percent() -> None:
    def spreads(one: AlertRule, *values: str) -> list[int]:
        return fired_at(judge_spread, one, [seen("0.5", spread=value) for value in values])

    wide = rule(AlertKind.SPREAD, threshold=D("0.05"), direction="above")
    assert spreads(wide, "0.05", "0.045", "0.06", "0.03", "0.05") == [0, 4]
    narrow = rule(AlertKind.SPREAD, threshold=D("0.01"), direction="below")
    assert spreads(narrow, "0.02", "0.01", "0.012", "0.01", "0.013", "0.01") == [1, 5]


def test_imbalance_leans_to_the_side_that_is_asked_for() -> None:
    def books(one: AlertRule, *values: str) -> list[int]:
        return fired_at(judge_imbalance, one, [seen("0.5", imbalance=value) for value in values])

    assert books(rule(AlertKind.IMBALANCE, threshold=D("0.5"), direction="above"), "-0.9", "0.5", "0.45", "0.6") == [1]
    assert books(rule(AlertKind.IMBALANCE, threshold=D("0.5"), direction="below"), "0.9", "-0.5") == [1]
    assert books(rule(AlertKind.IMBALANCE, threshold=D("0.5"), direction="either"), "0.9", "0.1", "-0.5") == [0, 2]


def test_volume_counts_a_day_or_what_was_added_within_the_time() -> None:
    day = rule(AlertKind.VOLUME, threshold=D(1000))
    assert fired_at(judge_volume, day, [VolumesSeen(D(each), D(0)) for each in (900, 1000, 850, 1000, 700, 1200)]) == [
        1,
        5,
    ]
    burst = rule(AlertKind.VOLUME, threshold=D(100), within_s=600)
    assert fired_at(judge_volume, burst, [VolumesSeen(D(0), D(5_000))]) == []
    assert fired_at(judge_volume, burst, [VolumesSeen(D(0), D(5_100), [(NOW, D(5_000))])]) == [0]


def test_drawdown_is_measured_from_the_highest_within_the_time() -> None:
    falls = AlertRule(kind=AlertKind.DRAWDOWN, threshold=D(10))
    equity = [D(100), D(120), D(109), D(108), D(107), D(119), D(108)]
    looks = [[(NOW, each) for each in equity[: number + 1]] for number in range(len(equity))]
    assert fired_at(judge_drawdown, falls, looks) == [3, 6]
    assert fired_at(judge_drawdown, falls, [[], [(NOW, D(0))]]) == []


def test_exposure_fires_from_its_threshold_on() -> None:
    at_stake = AlertRule(kind=AlertKind.EXPOSURE, threshold=D(100))
    assert fired_at(judge_exposure, at_stake, [D(99), D(100), D(85), D(110), D(79), D(100)]) == [1, 5]


def test_each_trouble_is_told_once_while_it_lasts() -> None:
    health = AlertRule(kind=AlertKind.SYSTEM_HEALTH)
    one, both = {"halted": "trading is halted"}, {"halted": "trading is halted", "clock": "late"}
    assert fired_at(judge_troubles, health, [{}, one, one, both, {}, one]) == [1, 3, 5]


def test_requests_left_and_requests_turned_away_are_told() -> None:
    scarce = AlertRule(kind=AlertKind.RATE_LIMIT, threshold=D(5))
    left = [RequestsSeen({"clob": each}) for each in (50.0, 4.0, 6.0, 4.0, 10.0, 4.0)]
    assert fired_at(judge_requests, scarce, left) == [1, 5]
    refused = [RequestsSeen({}, each) for each in (0, 1, 2, 2, 3)]
    assert fired_at(judge_requests, scarce, refused, every_s=20) == [1]
    assert fired_at(judge_requests, scarce, refused, every_s=61) == [1, 4]


def test_a_stream_is_stale_when_it_has_been_for_so_long() -> None:
    stale = AlertRule(kind=AlertKind.STALE_STREAM, lasting_s=2)
    looks = [StreamSeen(3, each) for each in (0, 1, 0, 2, 2, 2, 2, 0)]
    assert fired_at(judge_stream, stale, looks) == [5]


def test_waiting_begins_anew_after_a_restart_and_what_was_told_is_known() -> None:
    memory, fired = level({}, inside=True, over=False, now=NOW, lasting_s=60)
    assert fired is None
    later = NOW + timedelta(hours=1)
    assert level(memory, inside=True, over=False, now=later, lasting_s=60)[1] == 1
    assert level(after_restart(memory), inside=True, over=False, now=later, lasting_s=60)[1] is None
    told = {"above": {"raised": True, "times": 3, "since": 1.0}}
    assert after_restart(told) == {"above": {"raised": True, "times": 3}}


# -- strategies -------------------------------------------------------------------------------------------------------


def run(**changed: Any) -> RunSeen:
    usual = RunSeen("r_1", "fades", -10.0, 0.0, 25.0, 5.0, "its backtest", 5)
    return dataclasses.replace(usual, **changed)


def test_the_bound_is_the_mixture_boundary() -> None:
    """sqrt((25 + 5) (ln(30 / 5) + 2 ln 100)) by hand: sqrt(30 * (1.791759 + 9.210340)) = 18.1676."""
    assert shortfall_bound(25.0, 5.0) == pytest.approx(18.1676, abs=1e-4)
    assert shortfall_bound(25.0, 0.0) == math.inf


def test_a_run_below_its_bound_is_told_once() -> None:
    falls = AlertRule(kind=AlertKind.STRATEGY_DEGRADATION)
    looks = [[run()], [run(profit=-18.1)], [run(profit=-18.2)], [run(profit=-30.0)], [run()], [run(profit=-40.0)]]
    assert fired_at(judge_runs, falls, looks) == [2]


def test_only_the_run_asked_for_and_only_with_enough_bets() -> None:
    named = AlertRule(kind=AlertKind.STRATEGY_DEGRADATION, query="r_2")
    assert fired_at(judge_runs, named, [[run(profit=-99.0)], [run(run_id="r_2", profit=-99.0)]]) == [1]
    assert fired_at(judge_runs, named, [[run(run_id="r_2", profit=-99.0, bets=2)]]) == []


def test_runs_that_do_as_well_as_expected_are_hardly_ever_told_however_often_they_are_looked_at() -> None:
    chance = random.Random(7)
    told = 0
    for _ in range(1000):
        profit, worst = 0.0, False
        for day in range(1, 101):
            profit += chance.gauss(0, 1)
            worst = worst or profit < -shortfall_bound(day, 1.0)
        told += worst
    assert told / 1000 <= FALSE_ALARM


def test_markets_that_are_final_and_no_longer_held_are_forgotten(a_market: Market) -> None:
    watched = checked_rule("resolution", query="final")
    decided = dataclasses.replace(a_market, resolution=Resolution("resolved", "", "Yes", "", None))
    memory = judge_resolution(watched, {}, {a_market.condition_id: a_market}, NOW).memory
    final = judge_resolution(watched, memory, {decided.condition_id: decided}, NOW)
    assert len(final.occurrences) == 1
    forgotten = judge_resolution(watched, final.memory, {}, NOW)
    assert (forgotten.memory, forgotten.keep) == ({"stages": {}}, True)
    # Seen once more, as by a catalogue that left it out for a while, it is not told again.
    assert judge_resolution(watched, forgotten.memory, {decided.condition_id: decided}, NOW).occurrences == ()
