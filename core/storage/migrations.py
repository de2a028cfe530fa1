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


def _add_column(connection: Connection, table: str, column: str) -> None:
    """Add a column, unless the table was made just now, as it is in this version."""
    if column.split()[0] not in {each["name"] for each in inspect(connection).get_columns(table)}:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column}"))


def _forecasts_name_their_sources(connection: Connection) -> None:
    """Nobody noted before whose news had moved a forecast."""
    _add_column(connection, "forecasts", "sources TEXT NOT NULL DEFAULT ''")


def _drafts_know_who_previewed_them(connection: Connection) -> None:
    """Drafts of before are of whoever can start programs on this machine."""
    _add_column(connection, "drafts", "principal TEXT NOT NULL DEFAULT 'local'")


def _changes_of_positions_are_kept(_: Connection) -> None:
    """A table more, and missing tables are made whenever a file is opened."""


def _runs_write_down_what_they_meet(connection: Connection) -> None:
    """Runs of before are all sliced orders, of which the orders tell everything."""
    _add_column(connection, "runs", "progress TEXT NOT NULL DEFAULT ''")


def _the_desk_watches(_: Connection) -> None:
    """Tables more, and missing tables are made whenever a file is opened."""


MIGRATIONS: Mapping[int, Migration] = {
    1: _spending_is_read_from_the_index,
    2: _news_is_kept,
    3: _forecasts_name_their_sources,
    4: _drafts_know_who_previewed_them,
    5: _changes_of_positions_are_kept,
    6: _runs_write_down_what_they_meet,
    7: _the_desk_watches,
}
"""What turns a file of a version into one of the next. Each runs in the transaction that also writes the version."""
