"""What a backtest has shown, in words: no more than its figures carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..untrusted_text import quoted

_LUCK = 0.05
"""A larger share of traders without skill that earned as much shows no skill."""

_FEW_MARKETS = 30


def verdict(told: Mapping[str, Any]) -> list[str]:
    """Sentences about the summary of a run: what was earned, whether luck would do, and what it does not show."""
    if not told["orders"]:
        return [_idle(told)]
    said = [_earned(told)]
    if told["profit"]["total"] > 0:
        said += _luck(told)
    if (brier := told["brier"]) is not None and told["market_brier"] is not None:
        better = "better than" if brier < told["market_brier"] else "no better than"
        said.append(f"What it took outcomes to be worth was {better} the market's own prices at those moments.")
    if told["in_sample"]:
        said.append(
            "It is in sample: weights that it used were fitted on these outcomes or on others of the same days, so "
            "this shows how they fit the past and not what they will earn. Sharpe and Sortino are withheld."
        )
    elif told["sharpe"] is None:
        said.append(f"Of {told['days']} days no Sharpe ratio is told: ten that differ are the least.")
    said += _capacity(told)
    return said


def _idle(told: Mapping[str, Any]) -> str:
    nothing = "This shows no edge and no loss: there was no trade."
    if told["refused"]:
        code, count = max(told["refused"].items(), key=lambda each: each[1])
        return f"No order was filled; {count} were refused ({code}). {nothing}"
    if told["no_signal_because"]:
        reason, count = max(told["no_signal_because"].items(), key=lambda each: each[1])
        return f"No signal, {count} times because {reason}. {nothing}"
    return f"No order was filled. {nothing}"


def _earned(told: Mapping[str, Any]) -> str:
    total, orders, markets = told["profit"]["total"], told["orders"], len(told["by_market"])
    of_all = f"{abs(total):.2f} dollars of {told['starting_balance']:.2f} with {orders} fills in {markets} markets"
    if total < 0:
        return f"It lost {of_all}; doing nothing would have been better."
    return f"It earned {of_all}." if total > 0 else f"It came out even on {of_all.split(' with ')[1]}."


def failed_run(capacity: Mapping[str, Any]) -> str:
    """Which larger run could not be made, and why."""
    failed = capacity["failed"]
    return (
        f"x{failed['scale']}, {failed['balance']:,.0f} dollars, could not be run ({quoted(failed['problem'], 200)}): "
        "nothing is known of so much or more."
    )


def _capacity(told: Mapping[str, Any]) -> list[str]:
    if told["fidelity"] != "l2":
        kind = "Bars tell prices" if told["fidelity"] == "bars" else "Trades tell prices"
        return [f"{kind} and no depth: nothing is shown about how much money this could carry."]
    measured = told["capacity"]
    if measured is None or measured["dollars"] is None:
        return []
    first = measured["curve"][0]
    tried = ", the most that was tried," if measured["more"] else ""
    return [
        f"With up to {measured['dollars']:,.0f} dollars{tried} it would have earned at least half of the "
        f"{first['earned_per_dollar']:.2%} that it did with {first['balance']:,.0f}, had nobody answered to its orders."
    ]


def _luck(told: Mapping[str, Any]) -> list[str]:
    said = []
    luck = told["no_skill"]
    if luck is not None and luck["beaten_by"] > _LUCK:
        said.append(
            f"That is not told from luck: {luck['beaten_by']:.0%} of traders without skill earned as much with the "
            "same trades."
        )
    elif luck is not None:
        said.append(f"Of traders without skill {luck['beaten_by']:.1%} earned as much with the same trades.")
    within, markets = told["profit"]["interval_95"], len(told["by_market"])
    if within is None:
        said.append("One market is one outcome: nothing follows for others.")
    elif within[0] <= 0:
        said.append("Drawing the markets again, a loss is within the 95 % interval.")
    elif markets < _FEW_MARKETS:
        said.append(f"The {markets} markets are few: the interval assumes that others are like them.")
    return said
