"""News about markets with own money or a run in them, judged once in the background."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.background_tasks import logs_failure
from ...core.identifiers import ConditionId
from ...core.news.market_index import MarketIndex
from ...core.news.stance import Question
from ...core.untrusted_text import quoted
from ...handlers.answer import rounded
from .shapes import NewsLine

if TYPE_CHECKING:
    from ...core.models import Market
    from ...core.news.item_store import StoredItem
    from ...core.news.stance import NewsStance
    from ...handlers.context import Desk

_log = logging.getLogger(__name__)

_LOOKED_THROUGH, _SHOWN = 200, 12
_REMEMBERED = 2000

_Key = tuple[int, ConditionId]


class NewsOfMarkets:
    """Which of the newest items are about some markets, and how they stand towards each one's first outcome.

    An item is judged once for a market, by the desk's workers, while the screen goes on without it.
    """

    def __init__(self) -> None:
        self._stances: OrderedDict[_Key, NewsStance | None] = OrderedDict()
        self._judging: asyncio.Task[None] | None = None

    async def lines(self, desk: Desk, markets: Sequence[Market]) -> list[NewsLine]:
        """The newest items about these markets, with their stance where it is known by now."""
        if not markets:
            return []
        kept = [each for each in await desk.newsroom.recent(most=_LOOKED_THROUGH) if not each.duplicate_of]
        about = await asyncio.to_thread(_about, kept, markets)
        self._judge(desk, [each for each in about if self._key(*each) not in self._stances])
        return [self._line(item, market) for item, market in about]

    def _line(self, item: StoredItem, market: Market) -> NewsLine:
        evidence, stance = item.evidence, self._stances.get(self._key(item, market))
        at = evidence.first_seen or evidence.published
        assert at is not None  # every item that is kept was first seen
        return NewsLine(
            at=at,
            title_by_stranger=quoted(evidence.title, 200),
            source=quoted(evidence.source, 60) or None,
            market=market.slug,
            question=quoted(market.question, 160),
            outcome=quoted(market.outcomes[0].label, 60),
            stance=stance.label if stance and stance.basis in ("caller", "figures", "inference") else None,
            score=rounded(stance.score, 2) if stance else None,
            judged_by=stance.engine if stance else None,
            moves=stance.moves if stance else None,
        )

    def _judge(self, desk: Desk, unknown: Sequence[tuple[StoredItem, Market]]) -> None:
        if not unknown or (self._judging is not None and not self._judging.done()):
            return
        self._judging = asyncio.create_task(self._read(desk, unknown), name="stance of the news on screens")
        self._judging.add_done_callback(logs_failure(_log, "news on screens was not judged"))

    async def _read(self, desk: Desk, unknown: Sequence[tuple[StoredItem, Market]]) -> None:
        by_market: defaultdict[ConditionId, list[StoredItem]] = defaultdict(list)
        markets = {market.condition_id: market for _, market in unknown}
        for item, market in unknown:
            by_market[market.condition_id].append(item)
        asked = [
            Question(tuple(each.evidence for each in items), markets[condition_id], markets[condition_id].outcomes[0])
            for condition_id, items in by_market.items()
        ]
        for (condition_id, items), judged in zip(by_market.items(), await desk.read_many_news(asked), strict=True):
            stances = {reading.item.title: reading.stance for reading in judged.readings}
            for item in items:
                self._stances[item.number, condition_id] = stances.get(item.item.title)
        while len(self._stances) > _REMEMBERED:
            self._stances.popitem(last=False)

    @staticmethod
    def _key(item: StoredItem, market: Market) -> _Key:
        return item.number, market.condition_id


def _about(items: Sequence[StoredItem], markets: Sequence[Market]) -> list[tuple[StoredItem, Market]]:
    """The newest items that are about one of the markets, each with the one it is closest to."""
    index = MarketIndex(markets)
    found = []
    for item in items:
        matched = index.matches(item.item, most=1)
        if matched:
            found.append((item, matched[0][0]))
        if len(found) == _SHOWN:
            break
    return found
