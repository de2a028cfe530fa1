"""Every forecast, written down when it is made, and how its market was decided later."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from ..identifiers import ConditionId, Slug
from ..models import Market
from ..money import from_micro, to_micro
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import forecasts, outcomes
from .forecast import Decided, Forecast
from .scoring import BrierScore, brier_score, scored_markets

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

_MICRO = Decimal("0.000001")


class ForecastJournal:
    """Forecasts of everybody who uses a desk. They are added and never changed."""

    def __init__(self, database: Database, *, new_id: Callable[[], str]) -> None:
        self._database = database
        self._new_id = new_id
        self._turns = itertools.count(1)
        self._asked: dict[ConditionId, int] = {}
        self._scored_at = (0, 0)
        self._scores: dict[str, BrierScore] = {}

    def record(
        self,
        market: Market,
        *,
        probability: Decimal,
        market_price: Decimal | None,
        author: str,
        deliberate: bool,
        now: datetime,
        reasons: str = "",
        sources: Sequence[str] = (),
    ) -> Forecast:
        """Write down a probability of the market's first outcome, beside its price at this moment."""
        forecast = Forecast(
            forecast_id=self._new_id(),
            author=author,
            deliberate=deliberate,
            at=now,
            condition_id=market.condition_id,
            slug=market.slug,
            event=(market.event_slug if market.neg_risk else "") or market.condition_id,
            category=market.category or (market.tags[0] if market.tags else ""),
            outcome=market.outcomes[0].label,
            ends_at=market.end_date,
            probability=probability.quantize(_MICRO),
            market_price=None if market_price is None else market_price.quantize(_MICRO),
            reasons=reasons,
            sources=tuple(sources),
        )
        with self._database.writing() as connection:
            connection.execute(insert(forecasts).values(_columns(forecast)))
        return forecast

    def all(self, *, author: str | None = None) -> list[Forecast]:
        """Forecasts, of one author or of all, oldest first."""
        query = select(forecasts).order_by(forecasts.c.number)
        if author is not None:
            query = query.where(forecasts.c.author == author)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [_forecast(row) for row in rows]

    def brier_scores(self) -> Mapping[str, BrierScore]:
        """Of every author whose deliberate forecasts have been decided; read anew when something was added."""
        with self._database.reading() as connection:
            known: tuple[int, int] = (
                connection.execute(select(func.max(forecasts.c.number))).scalar() or 0,
                connection.execute(select(func.count()).select_from(outcomes)).scalar() or 0,
            )
        if known != self._scored_at:
            self._scores, self._scored_at = self._scored(), known
        return self._scores

    def _scored(self) -> dict[str, BrierScore]:
        query = (
            select(forecasts)
            .join(outcomes, outcomes.c.condition_id == forecasts.c.condition_id)
            .where(forecasts.c.deliberate)
            .order_by(forecasts.c.number)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        by_author: defaultdict[str, list[Forecast]] = defaultdict(list)
        for row in rows:
            by_author[row["author"]].append(_forecast(row))
        decided = self.decided() if by_author else {}
        markets = {author: scored_markets(made, decided) for author, made in by_author.items()}
        return {author: brier_score(scored) for author, scored in markets.items() if scored}

    def find(self, forecast_id: str) -> Forecast | None:
        """The forecast of that id, if there is one."""
        with self._database.reading() as connection:
            row = connection.execute(select(forecasts).where(forecasts.c.forecast_id == forecast_id)).mappings().first()
        return None if row is None else _forecast(row)

    def is_first(self, forecast: Forecast) -> bool:
        """Whether its author had made none of the same kind about the market before."""
        query = (
            select(forecasts.c.forecast_id)
            .where(
                forecasts.c.condition_id == forecast.condition_id,
                forecasts.c.author == forecast.author,
                forecasts.c.deliberate == forecast.deliberate,
            )
            .order_by(forecasts.c.number)
            .limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar() == forecast.forecast_id

    def undecided(self, most: int) -> list[ConditionId]:
        """Some markets whose outcome is not known yet: those that were asked for longest ago, and of these those that
        should have ended first. They count as asked for from now on."""
        query = (
            select(forecasts.c.condition_id)
            .where(forecasts.c.condition_id.not_in(select(outcomes.c.condition_id)))
            .group_by(forecasts.c.condition_id)
            .order_by(forecasts.c.ends_at.is_(None), forecasts.c.ends_at)
        )
        with self._database.reading() as connection:
            found = [ConditionId(each) for each in connection.execute(query).scalars().all()]
        chosen = sorted(found, key=lambda each: self._asked.get(each, 0))[:most]
        self._asked.update((each, next(self._turns)) for each in chosen)
        return chosen

    def decide(self, market: Market, *, now: datetime) -> None:
        """Write down how a market was decided. A second word about it changes nothing."""
        row = {
            "condition_id": market.condition_id,
            "resolved_at": to_micros(market.resolution.closed_at or now),
            "winner": market.resolution.winner,
        }
        with self._database.writing() as connection:
            known = select(outcomes.c.condition_id).where(outcomes.c.condition_id == market.condition_id)
            if connection.execute(known).scalar() is None:
                connection.execute(insert(outcomes).values(row))

    def decided(self) -> Mapping[ConditionId, Decided]:
        """How markets of forecasts were decided."""
        query = (
            select(outcomes, forecasts.c.outcome)
            .join(forecasts, forecasts.c.condition_id == outcomes.c.condition_id)
            .group_by(outcomes.c.condition_id)
        )
        with self._database.reading() as connection:
            rows: Sequence[Any] = connection.execute(query).all()
        return {
            ConditionId(row.condition_id): Decided(
                from_micros(row.resolved_at), None if row.winner is None else row.winner == row.outcome
            )
            for row in rows
        }


def _columns(forecast: Forecast) -> dict[str, Any]:
    return {
        "forecast_id": forecast.forecast_id,
        "author": forecast.author,
        "deliberate": forecast.deliberate,
        "at": to_micros(forecast.at),
        "condition_id": forecast.condition_id,
        "slug": forecast.slug,
        "event": forecast.event,
        "category": forecast.category,
        "outcome": forecast.outcome,
        "ends_at": None if forecast.ends_at is None else to_micros(forecast.ends_at),
        "probability": to_micro(forecast.probability),
        "market_price": None if forecast.market_price is None else to_micro(forecast.market_price),
        "reasons": forecast.reasons,
        "sources": "\n".join(forecast.sources),
    }


def _forecast(row: RowMapping) -> Forecast:
    return Forecast(
        forecast_id=row["forecast_id"],
        author=row["author"],
        deliberate=row["deliberate"],
        at=from_micros(row["at"]),
        condition_id=ConditionId(row["condition_id"]),
        slug=Slug(row["slug"]),
        event=row["event"],
        category=row["category"],
        outcome=row["outcome"],
        ends_at=None if row["ends_at"] is None else from_micros(row["ends_at"]),
        probability=from_micro(row["probability"]),
        market_price=None if row["market_price"] is None else from_micro(row["market_price"]),
        reasons=row["reasons"],
        sources=tuple(row["sources"].split("\n")) if row["sources"] else (),
    )
