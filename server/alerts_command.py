"""`polydesk alerts`: what a person reads and settles of alerts in the desk's own file, and a try of a channel."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..core.settings import Settings, load_settings
from ..core.untrusted_text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..core.alerts.alert_book import AlertBook, WatchedRule
    from ..core.storage.database import Database

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_SHOWN = 20
_SNOOZE_MINUTES = 60.0
_LONGEST_SNOOZE_MINUTES = 30 * 24 * 60.0


def add_alerts_commands(commands: Commands, modes: Sequence[str]) -> None:
    """Add `alerts` with its actions."""
    alerts = commands.add_parser("alerts", help="rules that watch, what they have told, and the channels that carry it")
    actions = alerts.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "rules, the latest alerts, and what was not delivered", modes, _list)
    snooze = _action(actions, "snooze", "deliver nothing of a rule for a while", modes, _snooze)
    snooze.add_argument("rule_id", help="as listed")
    snooze.add_argument(
        "--minutes", type=_minutes, default=_SNOOZE_MINUTES, help=f"how long (default: {_SNOOZE_MINUTES:g})"
    )
    _action(actions, "resume", "deliver a rule's alerts again", modes, _resume).add_argument(
        "rule_id", help="as listed"
    )
    _action(actions, "delete", "end a rule", modes, _delete).add_argument("rule_id", help="as listed")
    test = _action(actions, "test-channel", "send a message over a channel; exit code 1 when it fails", modes, _test)
    test.add_argument("name", help="as POLYMARKET_ALERT_CHANNELS names it")


def _action(
    actions: Commands, name: str, text: str, modes: Sequence[str], run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("--mode", choices=modes, help="whose file (default: that of the settings)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)
    return parser


def _minutes(given: str) -> float:
    minutes = float(given)
    if not 0 < minutes <= _LONGEST_SNOOZE_MINUTES:
        raise ValueError(given)
    return minutes


def _list(options: argparse.Namespace) -> int:
    from ..core.alerts.delivery_book import DeliveryBook
    from ..core.alerts.rules import described
    from ..core.clock import SystemClock
    from .desk_file import desk_file

    settings = load_settings(mode=options.mode)
    with desk_file(settings) as database:
        books = _books(database)
        found: dict[str, list[dict[str, Any]]] = {"rules": [], "alerts": [], "not_delivered": []}
        for account, book in books.items():
            counts = book.counts()
            found["rules"] += [_rule(each, described(each.rule), counts, account) for each in book.rules()]
            found["alerts"] += [
                {
                    "alert_id": each.alert_id,
                    "rule_id": each.rule_id,
                    "at": each.at.isoformat(),
                    "text": each.text,
                    "acknowledged": each.acknowledged_at is not None,
                    "snoozed": each.silenced,
                    "account": account,
                }
                for each in book.latest(_SHOWN)
            ]
            since = SystemClock().now() - timedelta(days=1)
            found["not_delivered"] += [
                asdict(each) | {"at": each.at.isoformat(), "state": each.state.value}
                for each in DeliveryBook(database, account=account).troubles(since=since)
            ]
    if options.json:
        print(json.dumps(found))
        return 0
    for rule in found["rules"]:
        asleep = f"  (snoozed until {rule['snoozed_until'][:16]} UTC)" if rule["snoozed_until"] else ""
        print(f"{rule['rule_id']}  {quoted(rule['watches'], 400)}  fired {rule['fired']}{asleep}")
    for alert in found["alerts"]:
        print(f"{alert['at'][:19]}  {alert['alert_id']}  {quoted(alert['text'], 400)}")
    for failed in found["not_delivered"]:
        print(f"{failed['at'][:19]}  {failed['channel']} {failed['state']}: {failed['error']}")
    if not any(found.values()):
        print("No rules and no alerts.")
    return 0


def _snooze(options: argparse.Namespace) -> int:
    from ..core.clock import SystemClock

    until = SystemClock().now() + timedelta(minutes=options.minutes)
    said = f"Snoozed until {until:%Y-%m-%d %H:%M} UTC"
    return _changed(options, lambda book: book.snooze(options.rule_id, until), said)


def _resume(options: argparse.Namespace) -> int:
    return _changed(options, lambda book: book.snooze(options.rule_id, None), "Watching again")


def _delete(options: argparse.Namespace) -> int:
    return _changed(options, lambda book: book.delete(options.rule_id), "Deleted")


def _changed(options: argparse.Namespace, change: Callable[[AlertBook], WatchedRule], said: str) -> int:
    """Change a rule of every account that has it, as each has the desk's own. Raises InputRejected `unknown_rule`."""
    from ..core.alerts.rules import described
    from .desk_file import desk_file

    with desk_file(load_settings(mode=options.mode)) as database:
        books = list(_books(database).values())
        owners = [book for book in books if any(each.rule_id == options.rule_id for each in book.rules())]
        watched = [change(book) for book in owners or books[:1]][-1]
    if options.json:
        print(json.dumps({"rule_id": watched.rule_id, "snoozed_until": _written(watched.snoozed_until)}))
    else:
        print(f"{said}: {watched.rule_id}, {quoted(described(watched.rule), 400)}.")
    return 0


def _test(options: argparse.Namespace) -> int:
    settings = load_settings(mode=options.mode)
    error = asyncio.run(_tried(settings, options.name))
    if options.json:
        print(json.dumps({"channel": options.name, "delivered": error is None, "error": error}))
    else:
        print(f"{options.name} took it." if error is None else f"{options.name} did not take it: {error}")
    return 0 if error is None else 1


async def _tried(settings: Settings, name: str) -> str | None:
    """What kept a channel from taking a message, or nothing. Raises InputRejected for a name that is not configured."""
    import secrets

    from ..core.alerts.channel import ChannelFailed, Message
    from ..core.alerts.channels import channel_configs, learn_secrets, open_channels
    from ..core.clock import SystemClock
    from ..core.errors import InputRejected
    from ..core.telemetry.redaction import redacted

    configs = channel_configs(settings.alert_channels.get_secret_value() if settings.alert_channels else None)
    if name not in configs:
        known = f"use one of {', '.join(sorted(configs))}" if configs else "name channels in POLYMARKET_ALERT_CHANNELS"
        raise InputRejected(f"No channel is called {name[:40]!r}.", code="unknown_channel", fix=known)
    learn_secrets(configs)
    now = SystemClock().now()
    said = "a test of this channel, asked for at a terminal"
    document = {"id": f"t_{secrets.token_hex(5)}", "kind": "test", "mode": settings.mode.value, "text": said}
    message = Message(document["id"], f"polydesk ({settings.mode.value}): test", said, document, now)
    try:
        await open_channels({name: configs[name]})[name].send(message)
    except ChannelFailed as failure:
        return redacted(str(failure))
    return None


def _books(database: Database) -> dict[str, AlertBook]:
    """Those of all accounts of a file; one without any rule has the empty one."""
    import secrets

    from sqlalchemy import select

    from ..core.alerts.alert_book import AlertBook
    from ..core.storage.schema import alert_rules

    with database.reading() as connection:
        accounts = connection.execute(select(alert_rules.c.account).distinct()).scalars().all()
    return {
        account: AlertBook(database, account=account, new_id=lambda _: secrets.token_hex(5))
        for account in accounts or [""]
    }


def _rule(watched: WatchedRule, watches: str, counts: dict[str, int], account: str) -> dict[str, Any]:
    return {
        "rule_id": watched.rule_id,
        "watches": watches,
        "channel": watched.rule.channel,
        "fired": counts.get(watched.rule_id, 0),
        "snoozed_until": _written(watched.snoozed_until),
        "created_at": watched.created_at.isoformat(),
        "account": account,
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
