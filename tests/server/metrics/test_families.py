"""What strategies and forecasters have done is told from what was written down, and only what changed is read again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.alerts.levels import Judgement, Occurrence
from polydesk.core.alerts.rule_arguments import checked_rule
from polydesk.core.identifiers import ConditionId
from polydesk.core.models import Market
from polydesk.core.settings import load_settings
from polydesk.core.trading.run_book import RunStatus
from polydesk.core.trading.run_notes import RunNotes, notes_to_text
from polydesk.core.trading.strategy_plan import StrategyPlan, plan_to_text
from polydesk.core.trading.strategy_runs import KIND
from polydesk.handlers.context import Desk
from polydesk.server.application import Application
from polydesk.server.metrics.families import read
from polydesk.server.metrics.samples import Labelled, families_of
from tests.support.processes import FED

D = Decimal
DECIDED = "no-change-in-fed-interest-rates-after-june-2025-meeting"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    settings = load_settings(mode="sandbox", state_dir=tmp_path, compute="inline", sandbox_traders=False)
    application = Application(settings)
    try:
        yield await application.desk()
    finally:
        await application.aclose()


def told(desk: Desk, name: str) -> list[Labelled]:
    return read(desk).families.get(f"polydesk_{name}", [])


def plan(now: datetime) -> StrategyPlan:
    return StrategyPlan(
        strategy="momentum",
        markets=(ConditionId("0x" + "1" * 64),),
        parameters={},
        max_loss_usd=D(10),
        max_exposure_usd=D(100),
        until=now + timedelta(days=20),
        every_s=60,
    )


def begun(desk: Desk, notes: RunNotes) -> str:
    book, now = desk.strategies.book, desk.clock.now()
    run, _ = book.open(KIND, plan_to_text(plan(now)), fingerprint=str(now), client_token=None, now=now)
    book.note(run.run_id, notes_to_text(notes), now=now)
    return run.run_id


def days(*profits: str) -> dict[str, Decimal]:
    return {f"2026-05-{day:02}": D(profit) for day, profit in enumerate(profits, start=1)}


async def test_a_run_tells_its_profit_its_hits_and_after_ten_days_its_sharpe_ratio(desk: Desk) -> None:
    notes = RunNotes(looks=7, signals=3, placed=2, last_look=desk.clock.now(), refused={"risk_spread": 4})
    notes.earned([D("1.5"), D("-0.25"), D("0.5")], desk.clock.now())
    young = {"run": begun(desk, notes), "strategy": "momentum"}
    assert told(desk, "strategy_profit_dollars") == [(young, 1.75)]
    ((labels, hits),) = told(desk, "strategy_hit_ratio")
    assert (labels, hits) == (young, 2 / 3)
    assert told(desk, "strategy_orders") == [(young, 2.0)]
    assert told(desk, "strategy_refusals") == [({**young, "code": "risk_spread"}, 4.0)]
    assert told(desk, "strategy_sharpe_ratio") == []
    assert told(desk, "strategy_runs")[0] == ({"status": "running"}, 1.0)

    notes.by_day = days("0", "1", "2", "2", "3", "5", "4", "5", "6", "7", "8", "9")
    old = {"run": begun(desk, notes), "strategy": "momentum"}
    ((labels, sharpe),) = told(desk, "strategy_sharpe_ratio")
    assert labels == old
    # Eleven changes of about 1 % a day, 0.8 % deviation: about 1 a day, 19 and more a year.
    assert isinstance(sharpe, float) and 15 < sharpe < 30


async def test_a_run_that_has_ended_is_told_for_a_while_and_looks_no_more(desk: Desk) -> None:
    run_id = begun(desk, RunNotes(looks=1, last_look=desk.clock.now()))
    assert len(told(desk, "strategy_last_look_age_seconds")) == 1
    desk.strategies.book.end(run_id, RunStatus.STOPPED, "enough", now=desk.clock.now())
    assert told(desk, "strategy_last_look_age_seconds") == []
    assert told(desk, "strategy_looks") == [({"run": run_id, "strategy": "momentum"}, 1.0)]
    assert dict(_plain(told(desk, "strategy_runs"))) == {"running": 0.0, "awaiting_person": 0.0}


def _plain(rows: list[Labelled]) -> Mapping[str, Any]:
    return {labels["status"]: value for labels, value in rows}


async def test_forecasters_are_scored_against_the_price_as_soon_as_markets_are_decided(desk: Desk) -> None:
    decided, open_one = [(await desk.directory.find(name)).market for name in (DECIDED, FED)]
    before = decided.resolution.closed_at or desk.clock.now()
    _forecast(desk, decided, "0.9", at=before - timedelta(days=3))
    _forecast(desk, open_one, "0.2", at=desk.clock.now())
    assert told(desk, "forecast_brier_score") == []
    desk.forecasts.decide(decided, now=desk.clock.now())
    author = {"author": "somebody"}
    for name, expected in (("forecast_brier_score", 0.01), ("forecast_market_brier_score", 0.09)):
        ((labels, brier),) = told(desk, name)
        assert labels == author
        assert isinstance(brier, float) and abs(brier - expected) < 1e-9
    assert told(desk, "forecast_events") == [(author, 1.0)]
    known = desk.forecasts.brier_scores()
    assert desk.forecasts.brier_scores() is known
    _forecast(desk, open_one, "0.3", at=desk.clock.now())
    assert desk.forecasts.brier_scores() is not known


def _forecast(desk: Desk, market: Market, probability: str, *, at: datetime) -> None:
    desk.forecasts.record(
        market, probability=D(probability), market_price=D("0.7"), author="somebody", deliberate=True, now=at
    )


async def test_reading_asks_the_venue_nothing_and_is_plain_json(desk: Desk) -> None:
    before = desk.venue_health().routes
    samples = read(desk)
    assert desk.venue_health().routes == before
    given = samples.as_json()
    assert families_of({"families": {**given["families"], "of_a_later_version": [[{}, 1]]}}) == samples.families
    assert samples.families["polydesk_limit_dollars"][0] == ({"limit": "order"}, 250.0)


async def test_alerts_are_told_by_rule_and_kind(desk: Desk) -> None:
    rules = desk.alerts.book.rules()
    assert rules
    desk.alerts.snooze(rules[0].rule_id, desk.clock.now() + timedelta(hours=1))
    states = {labels["state"]: value for labels, value in told(desk, "alert_rules")}
    assert states == {"watching": len(rules) - 1, "snoozed": 1}
    assert {labels["kind"] for labels, _ in told(desk, "alerts")} == {each.rule.kind.value for each in rules}
    assert told(desk, "alert_deliveries_failed") == [({}, 0.0)]


async def test_what_is_no_metric_cannot_be_added(desk: Desk) -> None:
    with pytest.raises(KeyError):
        read(desk).add("made_up", 1)


async def test_alerts_told_are_counted_on_when_their_rule_is_deleted(desk: Desk) -> None:
    rule, _ = await desk.alerts.create(checked_rule("exposure", threshold=D(5)))
    happened = Judgement({}, (Occurrence("one", "it happened", {}),))
    desk.alerts.book.write([(rule, happened)], now=desk.clock.now(), channels=frozenset())
    desk.alerts.delete(rule.rule_id)
    assert ({"kind": "exposure"}, 1.0) in told(desk, "alerts")
