"""Every control refuses what passes its limit, names the number and the limit, and lets the rest through."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import RiskRefused
from polydesk.core.models import OrderSide, OrderTicket, Resolution, TimeInForce
from polydesk.core.risk.controls import CONTROLS
from polydesk.core.risk.gate import RiskGate
from polydesk.core.risk.kill_switch import Halt
from polydesk.core.risk.limits import RiskLimits
from polydesk.core.risk.mandate import Mandate, MandateState
from polydesk.core.risk.proposal import DeskState, Proposal
from polydesk.core.risk.worst_case import WorstCase

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
ROOT = Path(__file__).parents[3]

STATE = DeskState(
    halt=None,
    open_orders=0,
    unknown_orders=0,
    exposure=WorstCase(D(10), D(10), D(10)),
    exposure_before=WorstCase(D(5), D(5), D(5)),
    day_usd=D(0),
    minute_orders=0,
    day_loss_usd=D(0),
    region_refused_at=None,
)
LIMITS = RiskLimits(
    max_order_usd=D(20),
    max_open_orders=3,
    max_market_usd=D(30),
    max_event_usd=D(40),
    max_exposure_usd=D(50),
    max_day_usd=D(60),
    max_day_loss_usd=D(15),
    max_orders_per_minute=5,
    max_spread=D("0.05"),
    min_depth_usd=D(20),
    min_hours_to_end=D(2),
)


@pytest.fixture
def proposal(make_market: MakeMarket, make_book: MakeBook, now: datetime) -> Callable[..., Proposal]:
    """A purchase of $5 at the best price; `ticket`, `market` and `state` take changes of theirs."""

    def make(
        *,
        ticket: dict[str, Any] | None = None,
        market: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Proposal:
        its_market = make_market(**(market or {}))
        order = OrderTicket(
            token_id=its_market.outcomes[0].token_id,
            condition_id=its_market.condition_id,
            side=OrderSide.BUY,
            price=D("0.50"),
            shares=D(10),
            dollars=D(5),
            time_in_force=TimeInForce.FAK,
            tick=D("0.01"),
            neg_risk=False,
        )
        made = Proposal(
            ticket=dataclasses.replace(order, **(ticket or {})),
            market=its_market,
            book=make_book(),
            worst_cost=D(5),
            now=now,
            state=dataclasses.replace(STATE, **(state or {})),
        )
        return dataclasses.replace(made, **changes)

    return make


NOW = datetime.fromisoformat("2026-05-17T06:00:00+00:00")
RESTS = {"time_in_force": TimeInForce.GTC}
MANDATE = Mandate(run_id="r1", max_loss_usd=D(10), max_exposure_usd=D(25), until=NOW + timedelta(hours=9))


def run(*, tied_up: str = "0", profit: str = "0", until: datetime = MANDATE.until) -> dict[str, Any]:
    mandate = dataclasses.replace(MANDATE, until=until)
    return {"state": {"run": MandateState(mandate=mandate, tied_up_usd=D(tied_up), profit_usd=D(profit))}}


def sale(*, may_sell: str) -> dict[str, Any]:
    """A run sells ten shares, of which so many are its own to sell."""
    state = MandateState(mandate=MANDATE, tied_up_usd=D(0), profit_usd=D(0), may_sell_shares=D(may_sell))
    return {"ticket": {"side": OrderSide.SELL, "price": D("0.48")}, "worst_cost": D(0), "state": {"run": state}}


DISPUTED = Resolution("", "disputed", None, "", None)

# control, what is wrong, the limits it is wrong for, the number and the limit that the refusal names
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("kill_switch", {"state": {"halt": Halt("a test", NOW, "polydesk resume")}}, {}, "halted", "not halted"),
    ("unknown_order", {"state": {"unknown_orders": 1}}, {}, "1 unknown", "0 unknown"),
    ("region", {"state": {"region_refused_at": NOW - timedelta(minutes=9)}}, {}, "05:51:00Z", "a place"),
    ("market_list", {}, {"deny_markets": ("weather",)}, "weather", "DENY"),
    ("market_list", {}, {"allow_markets": ("another",)}, "will-it-rain", "ALLOW"),
    ("market_state", {"market": {"accepting_orders": False}}, {}, "not taking", "open market"),
    ("market_state", {"market": {"resolution": DISPUTED}}, {}, "disputed", "without a proposed"),
    ("time_to_end", {"market": {"end_date": NOW + timedelta(hours=1)}}, {}, "1.00 h", "2 h"),
    ("book_age", {"now": NOW + timedelta(seconds=11)}, {}, "11.0 s", "10 s"),
    ("order_value", {"worst_cost": D("20.01")}, {}, "$20.01", "$20 per order"),
    ("open_orders", {"state": {"open_orders": 3}, "ticket": RESTS}, {}, "3 open", "3 open orders"),
    ("order_rate", {"state": {"minute_orders": 5}}, {}, "5 in the last minute", "5 orders a minute"),
    ("price_band", {"ticket": {"price": D("0.61")}}, {}, "0.11", "0.1 beyond"),
    ("spread", {}, {"max_spread": D("0.01")}, "0.02", "0.01"),
    ("depth", {}, {"min_depth_usd": D(500)}, "$152.00", "$500"),
    ("market_exposure", {"state": {"exposure": WorstCase(D(31), D(10), D(10))}}, {}, "$31", "$30 in one market"),
    ("event_exposure", {"state": {"exposure": WorstCase(D(10), D(41), D(10))}}, {}, "$41", "$40 in one event"),
    ("exposure", {"state": {"exposure": WorstCase(D(10), D(10), D(51))}}, {}, "$51", "$50 in all"),
    ("day_turnover", {"state": {"day_usd": D("55.01")}}, {}, "$60.01", "$60 a day"),
    ("day_loss", {"state": {"day_loss_usd": D(15)}}, {}, "$15.00", "$15 lost"),
    ("run_time", run(until=NOW), {}, "06:00:00", "until 2026-05-17T06:00:00"),
    ("run_exposure", run(tied_up="20.01"), {}, "$25.01", "$25 tied up"),
    ("run_loss", run(profit="-10"), {}, "$10.00", "$10 lost"),
    ("run_holdings", sale(may_sell="9.99"), {}, "10 shares", "9.99 shares"),
]


@pytest.mark.parametrize(("control", "wrong", "limits", "value", "limit"), REFUSED)
def test_a_control_refuses_and_names_itself_the_number_and_the_limit(
    proposal: Callable[..., Proposal],
    control: str,
    wrong: dict[str, Any],
    limits: dict[str, Any],
    value: str,
    limit: str,
) -> None:
    with pytest.raises(RiskRefused) as refused:
        RiskGate(dataclasses.replace(LIMITS, **limits)).approve(proposal(**wrong))
    assert refused.value.control == control
    assert value in refused.value.value
    assert limit in refused.value.limit
    assert refused.value.fix


def test_every_control_has_a_row_above_and_one_in_the_documentation() -> None:
    names = [control.name for control in CONTROLS]
    assert {row[0] for row in REFUSED} == set(names)
    page = (ROOT / "docs" / "risk.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == names


@pytest.mark.parametrize(
    "at_the_limit",
    [
        {"worst_cost": D(20)},
        {"state": {"open_orders": 3}},  # an order that does not rest
        {"state": {"open_orders": 2}, "ticket": RESTS},
        {"state": {"minute_orders": 4}},
        {"state": {"exposure": WorstCase(D(30), D(40), D(50))}},
        {"state": {"day_usd": D(55)}},
        {"state": {"day_loss_usd": D("14.99")}},
        {"state": {"day_loss_usd": None}},
        {"ticket": {"price": D("0.60")}},
        {"market": {"end_date": NOW + timedelta(hours=2)}},
        {"market": {"end_date": None}},
        {"state": {"region_refused_at": NOW - timedelta(minutes=10)}},
        run(tied_up="20", profit="-9.99", until=NOW + timedelta(seconds=1)),
        sale(may_sell="10"),
    ],
)
def test_what_just_fits_passes_and_the_approval_tells_what_was_measured(
    proposal: Callable[..., Proposal], at_the_limit: dict[str, Any]
) -> None:
    approved = RiskGate(LIMITS).approve(proposal(**at_the_limit))
    assert approved.controls["order_value"].endswith("of $20 per order")
    assert approved.controls["book_age"] == "0.0 s of 10 s"


def test_all_that_is_wrong_is_said_at_once(proposal: Callable[..., Proposal]) -> None:
    with pytest.raises(RiskRefused) as refused:
        RiskGate(LIMITS).approve(proposal(worst_cost=D(200), state={"unknown_orders": 1, "day_loss_usd": D(20)}))
    assert refused.value.control == "unknown_order"
    for part in ("not known yet", "could cost $200", "$200 would have been sent", "$20.00 less"):
        assert part in refused.value.message


def test_a_sale_of_what_is_held_passes_every_limit_on_risk(proposal: Callable[..., Proposal]) -> None:
    sale = {"side": OrderSide.SELL, "price": D("0.48")}
    loss = WorstCase(D(99), D(99), D(99))
    worst: dict[str, Any] = {"exposure": loss, "exposure_before": loss, "day_usd": D(99), "day_loss_usd": D(99)}
    ended = run(tied_up="99", profit="-99", until=NOW)["state"]["run"]
    worst["run"] = dataclasses.replace(ended, may_sell_shares=D(10))
    market = {"resolution": DISPUTED, "end_date": NOW + timedelta(minutes=1)}
    limits = dataclasses.replace(LIMITS, max_spread=D("0.01"), min_depth_usd=D(5000))
    RiskGate(limits).approve(proposal(ticket=sale, worst_cost=D(0), state=worst, market=market))


def test_the_sale_of_a_hedge_is_held_up_where_it_raises_what_can_be_lost(proposal: Callable[..., Proposal]) -> None:
    sale = {"side": OrderSide.SELL, "price": D("0.48")}
    raised = {"exposure": WorstCase(D(99), D(99), D(99)), "exposure_before": WorstCase(D(1), D(1), D(1))}
    with pytest.raises(RiskRefused) as refused:
        RiskGate(LIMITS).approve(proposal(ticket=sale, worst_cost=D(0), state=raised))
    assert refused.value.control == "market_exposure"


def test_a_resting_order_does_not_need_a_narrow_spread_or_a_deep_book(proposal: Callable[..., Proposal]) -> None:
    limits = dataclasses.replace(LIMITS, max_spread=D("0.01"), min_depth_usd=D(5000))
    RiskGate(limits).approve(proposal(ticket=RESTS))


def test_limits_that_are_not_set_limit_nothing(proposal: Callable[..., Proposal]) -> None:
    worst = {"exposure": WorstCase(D(10**6), D(10**6), D(10**6)), "day_usd": D(10**6), "day_loss_usd": D(10**6)}
    limits = RiskLimits(max_order_usd=D(20), max_open_orders=3)
    RiskGate(limits).approve(proposal(state=worst | {"minute_orders": 1000}))


def test_an_allowed_event_lets_its_markets_through(proposal: Callable[..., Proposal]) -> None:
    RiskGate(dataclasses.replace(LIMITS, allow_markets=("weather",))).approve(proposal())
