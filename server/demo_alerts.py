"""The watching part of `polydesk demo`: a rule tried on the past, and one that tells of a fill."""

from __future__ import annotations

from typing import Any

import anyio

from .demo_session import DemoFailed, Session, panel

_TRIES = 60
_EVERY_S = 0.25


async def arm(session: Session, market: str) -> str:
    """Try a rule on recorded prices, and let another watch for fills. Answers its id."""
    session.say("How often would a rule have told lately that it crosses 97.5 cents?")
    tried = await session.call(
        "manage_alerts", action="test", kind="price_crosses", market=market, threshold=0.975, direction="either"
    )
    session.say(f"It {tried['history']}.")
    session.say("And tell me when an order of this market fills.")
    armed = await session.call("manage_alerts", action="create", kind="order", market=market, query="filled")
    (rule,) = armed["rules"]
    session.show(panel("watching", {"rule": rule["watches"], "reaches you": armed["reaches_you"]}))
    return str(rule["rule_id"])


async def told(session: Session, rule_id: str) -> None:
    """Show the alert of a rule. Raises DemoFailed where none comes."""
    for _ in range(_TRIES):
        listed = await session.call("manage_alerts", action="list", quietly=True)
        alerts: list[dict[str, Any]] = [each for each in listed.get("alerts", ()) if each["rule_id"] == rule_id]
        if alerts:
            session.show(panel("alert", {"at": alerts[0]["at"], "text": alerts[0]["text"]}))
            return
        await anyio.sleep(_EVERY_S)
    raise DemoFailed("nobody was told of the fill")
