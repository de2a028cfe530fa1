"""The markets of an exchange, found by condition id, by token and by event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from .catalogue import RecordedMarket
from .events import EventFeed, MarketListed
from .listing import Listing


class Markets:
    """What is listed, in the order of listing. Markets are added while the exchange runs, and none is ever removed."""

    def __init__(
        self, recorded: Iterable[RecordedMarket], catalogue_events: Iterable[Mapping[str, Any]], feed: EventFeed
    ) -> None:
        self.listings = tuple(Listing(each) for each in recorded)
        self.by_condition = {listing.condition_id: listing for listing in self.listings}
        self.by_token = {token: listing for listing in self.listings for token in listing.tokens}
        self._by_event: defaultdict[str, list[Listing]] = defaultdict(list)
        for listing in self.listings:
            self._by_event[listing.recorded.event_id].append(listing)
        self._catalogue_events = {str(event["id"]): event for event in catalogue_events}
        self._feed = feed

    def event_of(self, listing: Listing) -> Mapping[str, Any]:
        """The catalogue's event of a market, an empty one when none was recorded."""
        return self._catalogue_events.get(listing.recorded.event_id, {})

    def listings_of(self, event: Mapping[str, Any]) -> list[Listing]:
        """The markets of a catalogue event."""
        return list(self._by_event.get(str(event["id"]), ()))

    def add_listing(self, recorded: RecordedMarket, event: Mapping[str, Any] | None = None) -> Listing:
        """List one more market; a market that is listed already stays as it is."""
        known = self.by_condition.get(str(recorded.gamma["conditionId"]))
        if known is not None:
            return known
        listing = Listing(recorded)
        self.listings += (listing,)
        self.by_condition[listing.condition_id] = listing
        self._by_event[recorded.event_id].append(listing)
        self.by_token.update(dict.fromkeys(listing.tokens, listing))
        if event is not None:
            self._catalogue_events.setdefault(str(event["id"]), event)
        self._feed.publish(MarketListed(listing))
        return listing
