"""Brings a desk's file of an earlier format forward, one version after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, inspect, text

from .schema import orders_by_time_sent

Migration = Callable[[Connection], None]


def _spending_is_read_from_the_index(connection: Connection) -> None:
    """Adding up a day's orders no longer opens the rows, which hold whole documents."""
    orders_by_time_sent.drop(connection)
    orders_by_time_sent.create(connection)


def _news_is_kept(_: Connection) -> None:
    """A table more, and missing tables are made whenever a file is opened."""


def _forecasts_name_their_sources(connection: Connection) -> None:
    """Nobody noted before whose news had moved a forecast. A file without that table is given it as it is now."""
    columns = {column["name"] for column in inspect(connection).get_columns("forecasts")}
    if "sources" not in columns:
        connection.execute(text("ALTER TABLE forecasts ADD COLUMN sources TEXT NOT NULL DEFAULT ''"))


MIGRATIONS: Mapping[int, Migration] = {
    1: _spending_is_read_from_the_index,
    2: _news_is_kept,
    3: _forecasts_name_their_sources,
}
"""What turns a file of a version into one of the next. Each runs in the transaction that also writes the version."""
