"""Brings a desk's file of an earlier format forward, one version after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from .schema import orders_by_time_sent

Migration = Callable[[Connection], None]


def _spending_is_read_from_the_index(connection: Connection) -> None:
    """Adding up a day's orders no longer opens the rows, which hold whole documents."""
    orders_by_time_sent.drop(connection)
    orders_by_time_sent.create(connection)


def _news_is_kept(_: Connection) -> None:
    """A table more, and missing tables are made whenever a file is opened."""


MIGRATIONS: Mapping[int, Migration] = {1: _spending_is_read_from_the_index, 2: _news_is_kept}
"""What turns a file of a version into one of the next. Each runs in the transaction that also writes the version."""
