"""The tool that lets rules watch, and tells what they have told and whom it reaches."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from ..core.errors import InputRejected
from ..core.untrusted_text import quoted
from .answer import Answer, When
from .arguments import Exact, number_schema
from .context import Desk
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.alerts.alert_book import Alert, WatchedRule
    from ..core.alerts.past import Past
    from ..core.alerts.rules import AlertRule

_SHOWN = 10
_RULES_SHOWN = 30
_LONGEST_SNOOZE = timedelta(days=30)
_SNOOZE = timedelta(hours=1)

Action = Annotated[
    Literal["list", "create", "test", "snooze", "resume", "delete", "acknowledge"],
    Field(description="test arms nothing"),
]
Kind = Annotated[
    str,
    Field(max_length=40),
    WithJsonSchema(
        {
            "type": "string",
            "description": "price_crosses, spread, volume ($), imbalance, new_market, order, resolution, drawdown (%), "
            "exposure ($), strategy_degradation, rate_limit, stale_stream, dead_letter, system_health",
        }
    ),
]
_Text = Annotated[str, Field(max_length=400)]
Reference = Annotated[_Text, Field(description="Slug or id")]
Outcome = Annotated[str | int, WithJsonSchema({"type": "string", "description": "Label or index"})]
Threshold = Annotated[Decimal, Exact, number_schema("Price, $, % or share")]
Direction = Annotated[str, Field(max_length=20, description="above, below, either")]
Seconds = Annotated[Decimal, Exact, Field(ge=0)]
ForS = Annotated[Seconds, number_schema("Seconds it lasts, or to snooze")]
Within = Annotated[Seconds, number_schema("Seconds: a move or burst")]
Query = Annotated[_Text, Field(description='Words; "filled failed"; "disputed"; a run_id')]
Channel = Annotated[_Text, Field(description="A configured name")]
RuleId = Annotated[str, Field(max_length=40, description="As listed")]


class RuleLine(Answer):
    rule_id: str
    watches: str
    fired: int | None = None
    snoozed_until: When | None = None
    channel: str | None = None


class AlertLine(Answer):
    at: When
    alert_id: str
    rule_id: str
    text: str
    delivered: dict[str, str] | None = None
    acknowledged: bool | None = None


class AlertsAnswer(Answer):
    """`reaches_you`: now, at_next_question or only_while_desk_runs."""

    reaches_you: str | None = None
    because: str | None = None
    would_have_fired: int | None = None
    history: str | None = None
    rules: list[RuleLine] | None = None
    alerts: list[AlertLine] | None = None
    channels: list[str] | None = None
    not_delivered: list[str] | None = None
    next: str | None = None


async def manage_alerts(
    desk: Desk,
    action: Action,
    kind: Kind | None = None,
    market: Reference | None = None,
    outcome: Outcome | None = None,
    threshold: Threshold | None = None,
    direction: Direction | None = None,
    within: Within | None = None,
    for_s: ForS | None = None,
    query: Query | None = None,
    channel: Channel | None = None,
    rule_id: RuleId | None = None,
) -> AlertsAnswer:
    """Be told of events; also what a rule would have told in the last week."""
    match action:
        case "list":
            return _listed(desk)
        case "create" | "test":
            if kind is None:
                raise _missing("kind", action)
            rule = await _rule(desk, kind, market, outcome, threshold, direction, within, for_s, query, channel)
            return await _tried(desk, rule, arm=action == "create")
        case _:
            if rule_id is None:
                raise _missing("rule_id", action)
            return _changed(desk, action, rule_id, for_s)


async def _rule(
    desk: Desk,
    kind: str,
    market: str | None,
    outcome: str | int | None,
    threshold: Decimal | None,
    direction: str | None,
    within: Decimal | None,
    for_s: Decimal | None,
    query: str | None,
    channel: str | None,
) -> AlertRule:
    """The rule asked for. Raises InputRejected."""
    from ..core.alerts.rule_arguments import checked_rule
    from ..core.alerts.rules import Target
    from ..core.market_data.directory import choose_outcome

    desk.alerts.check_channel(channel)
    target = None
    if market is not None:
        found = await desk.directory.find(market)
        default = found.market.outcomes[0].label if outcome is None and found.outcome is None else outcome
        chosen = choose_outcome(found, default)
        target = Target(
            condition_id=found.market.condition_id,
            token_id=chosen.token_id,
            slug=found.market.slug,
            question=found.market.question,
            outcome=chosen.label,
        )
    elif outcome is not None:
        raise _missing("market", "an outcome")
    return checked_rule(
        kind,
        target=target,
        threshold=threshold,
        direction=direction,
        within_s=None if within is None else float(within),
        lasting_s=None if for_s is None else float(for_s),
        query=query,
        channel=channel,
    )


async def _tried(desk: Desk, rule: AlertRule, *, arm: bool) -> AlertsAnswer:
    """What the rule would have told, and the rule itself where it is to watch."""
    from ..core.alerts.past import would_have_fired
    from ..core.alerts.rules import described

    past = await would_have_fired(rule, desk.alerts.sources, now=desk.clock.now())
    told: dict[str, Any] = {"would_have_fired": past.times, "history": _history(past)}
    if not arm:
        return AlertsAnswer(**told, next=f"nothing was armed: {quoted(described(rule), 200)}")
    watched, is_new = await desk.alerts.create(rule)
    reaches, because = _reach(desk, rule)
    return AlertsAnswer(
        reaches_you=reaches,
        because=because,
        **told,
        rules=[_rule_line(watched, {})],
        next=None if is_new else "this rule was watching already",
    )


def _changed(desk: Desk, action: str, rule_id: str, for_s: Decimal | None) -> AlertsAnswer:
    now = desk.clock.now()
    match action:
        case "snooze":
            span = min(timedelta(seconds=float(for_s)), _LONGEST_SNOOZE) if for_s else _SNOOZE
            return _answer_of(desk, desk.alerts.snooze(rule_id, now + span))
        case "resume":
            return _answer_of(desk, desk.alerts.snooze(rule_id, None))
        case "delete":
            desk.alerts.delete(rule_id)
            return AlertsAnswer(next=f"{rule_id} watches no more; what it told is kept")
        case _:
            count = desk.alerts.book.acknowledge(rule_id, now=now)
            return AlertsAnswer(next=f"{count} alerts are acknowledged and told no more")


def _answer_of(desk: Desk, watched: WatchedRule) -> AlertsAnswer:
    return AlertsAnswer(rules=[_rule_line(watched, {})])


def _listed(desk: Desk) -> AlertsAnswer:
    book = desk.alerts.book
    counts, deliveries = book.counts(), desk.alerts.delivery_states()
    rules, latest = book.rules(), book.latest(_SHOWN)
    failed = [
        f"{each.channel}: {quoted(each.error, 80)} ({each.attempts} attempts, {each.state.value})"
        for each in desk.alerts.delivery_troubles()[:5]
    ]
    return AlertsAnswer(
        rules=[_rule_line(each, counts) for each in rules[-_RULES_SHOWN:]],
        alerts=[alert_line(each, deliveries.get(each.number)) for each in latest] or None,
        channels=list(desk.alerts.channels) or None,
        not_delivered=failed or None,
        next=f"{len(rules) - _RULES_SHOWN} older rules watch too" if len(rules) > _RULES_SHOWN else None,
    )


def alert_line(alert: Alert, delivered: dict[str, str] | None = None) -> AlertLine:
    """An alert as it is listed; `delivered` is how it stands with each channel."""
    return AlertLine(
        at=alert.at,
        alert_id=alert.alert_id,
        rule_id=alert.rule_id,
        text=quoted(alert.text, 240),
        delivered=delivered or ({"nobody": "snoozed"} if alert.silenced else None),
        acknowledged=True if alert.acknowledged_at else None,
    )


def _rule_line(watched: WatchedRule, counts: dict[str, int]) -> RuleLine:
    from ..core.alerts.rules import described

    return RuleLine(
        rule_id=watched.rule_id,
        watches=quoted(described(watched.rule), 200),
        fired=counts.get(watched.rule_id),
        snoozed_until=watched.snoozed_until,
        channel=watched.rule.channel,
    )


def _history(past: Past) -> str:
    if past.times is None or past.since is None:
        return past.basis
    last = f", last at {past.last:%Y-%m-%dT%H:%M:%SZ}" if past.last else ""
    times = "once" if past.times == 1 else f"{past.times} times"
    return f"would have fired {times} since {past.since:%Y-%m-%dT%H:%M:%SZ}{last}, on {past.basis}"


def _reach(desk: Desk, rule: AlertRule) -> tuple[str, str]:
    """When an alert reaches who made the rule, and why."""
    ways = []
    channels = desk.alerts.channels if rule.channel is None else (rule.channel,)
    if channels:
        ways.append(f"channel {', '.join(channels)}")
    if desk.listeners():
        ways.append("a subscription to polymarket://alerts")
    survives = desk.seat().survives_host_exit
    ends = "" if survives else "; nothing is watched after the last host quits unless a person runs polydesk desk start"
    if not ways:
        return (
            "at_next_question",
            "no channel is configured and nobody subscribes to polymarket://alerts: polymarket_get_status tells it"
            + ends,
        )
    return "now" if survives else "only_while_desk_runs", f"by {' and '.join(ways)}{ends}"


def _missing(name: str, action: str) -> InputRejected:
    return InputRejected(f"{action} needs {name}.", code="invalid_arguments", fix=f"give {name}")


TOOLS = (
    ToolSpec(
        "polymarket_manage_alerts",
        Toolset.OPERATIONS,
        "Manage alerts",
        manage_alerts,
        changes=True,
        open_world=False,
    ),
)
