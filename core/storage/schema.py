"""The tables of the desk's file. Times are unix microseconds, money is millionths of a dollar."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

SCHEMA_VERSION = 8

metadata = MetaData()

versions = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

orders = Table(
    "orders",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("attempt_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("client_token", Text),
    Column("fingerprint", Text, nullable=False),
    Column("condition_id", Text, nullable=False),
    Column("order_id", Text, unique=True),
    Column("desk", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Column("body", Text),
    Index("orders_by_status", "account", "status", "updated_at"),
    Index("orders_by_token", "account", "client_token"),
    Index("orders_by_fingerprint", "account", "fingerprint", "created_at"),
    Index("orders_by_time_sent", "account", "sent_at", "spent"),
)
"""One row per attempt. `document` is the record, `body` what goes over the wire once it is signed; `desk` the process
that sees it through, `spent` the worst cost of an order that was sent."""

(orders_by_time_sent,) = (index for index in orders.indexes if index.name == "orders_by_time_sent")

drafts = Table(
    "drafts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("draft_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("asked", Boolean, nullable=False),
    Column("attempt_id", Text),
    Column("replays", Text),
    Column("document", Text, nullable=False),
    Column("principal", Text, nullable=False, server_default="local"),
    Index("drafts_by_attempt", "attempt_id"),
)
"""`principal` is who previewed it, and the only one who may place it."""

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attempt_id", Text),
    Column("order_id", Text),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("audit_by_attempt", "attempt_id"),
)
"""Append-only: each row's hash covers the row and the hash before it."""

position_changes = Table(
    "position_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("change_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("principal", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index("position_changes_by_status", "account", "status"),
)
"""What the wallet was to do beside trading, from its preview on; `principal` is who previewed it."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("letter_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempt_id", Text),
    Column("cause", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("ended", Text),
)

days = Table(
    "days",
    metadata,
    Column("account", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("equity", BigInteger, nullable=False),
)
"""What an account was worth when it was first looked at on a day (UTC)."""

equity = Table(
    "equity",
    metadata,
    Column("account", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("equity", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("cash", BigInteger, nullable=False),
)
"""What an account was worth, minute by minute; `settled` without fills that are not confirmed."""

forecasts = Table(
    "forecasts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("forecast_id", Text, nullable=False, unique=True),
    Column("author", Text, nullable=False),
    Column("deliberate", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("condition_id", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("ends_at", BigInteger),
    Column("probability", BigInteger, nullable=False),
    Column("market_price", BigInteger),
    Column("reasons", Text, nullable=False),
    Column("sources", Text, nullable=False, server_default=""),
    Index("forecasts_by_market", "condition_id", "author"),
)
"""One row per forecast. `probability` and `market_price` are millionths, of the market's first outcome, which `outcome`
names; markets of which at most one can come true have the same `event`. `sources` are those of the news that moved it,
a line each."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("condition_id", Text, primary_key=True),
    Column("resolved_at", BigInteger, nullable=False),
    Column("winner", Text),
)
"""How forecast markets were decided. `winner` is None where the payout was split."""

last_seen = Table(
    "last_seen",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Up to which audit row somebody was told what happened."""

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("client_token", Text),
    Column("desk", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("progress", Text, nullable=False, server_default=""),
    Index("runs_by_status", "account", "status"),
    Index("runs_by_token", "account", "client_token"),
)
"""Work that goes on after the call that began it; its orders are in `orders`, by the tokens it uses, and what else it
has met so far is in `progress`."""

news_items = Table(
    "news_items",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("published", BigInteger),
    Column("first_seen", BigInteger, nullable=False),
    Column("duplicate_of", Integer),
    Index("news_by_identity", "source", "item_id", unique=True),
    Index("news_by_time", "first_seen"),
    Index("news_by_url", "url"),
)
"""One row per item of a source. `url` is canonical, `first_seen` when this title could first be read, `duplicate_of`
the number of the item that told the story first."""

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("rule_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("snoozed_until", BigInteger),
    Column("document", Text, nullable=False),
    Column("memory", Text, nullable=False, server_default="{}"),
    Index("alert_rules_by_id", "account", "rule_id", unique=True),
    Index("alert_rules_by_fingerprint", "account", "fingerprint", unique=True),
)
"""One row per rule that watches. `memory` is what its condition must know at the next look, so that a restart tells
nothing twice."""

alerts = Table(
    "alerts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("alert_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("silenced", Boolean, nullable=False),
    Column("acknowledged_at", BigInteger),
    Index("alerts_by_event", "account", "rule_id", "event", unique=True),
    Index("alerts_by_time", "account", "at"),
)
"""What rules have told. `event` names what happened, so that a rule tells it once; what fired while its rule was
snoozed is `silenced`: kept, and delivered to nobody."""

alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("delivery_id", Text, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("alert", Integer, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("told_with", Integer),
    Index("alert_deliveries_by_event", "account", "channel", "event", unique=True),
    Index("alert_deliveries_by_state", "account", "state", "due_at"),
    Index("alert_deliveries_by_rule", "account", "channel", "rule_id", "updated_at"),
)
"""One row per alert and channel: pending, delivered, failed, or folded into another one, `told_with`."""

alerts_seen = Table(
    "alerts_seen",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""Up to which alert somebody was told."""
