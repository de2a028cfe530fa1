"""The desk's metrics as instruments of OpenTelemetry, where this process has a meter provider."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ...core.background_tasks import cancelled, repeated
from .catalogue import METRICS, Metric
from .samples import Labelled

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

    from ...handlers.context import Desk

_log = logging.getLogger(__name__)

_EVERY_S = 15.0
_UNITS = {"_seconds": "s", "_bytes": "By", "_dollars": "{USD}"}


class Instruments:
    """Observable instruments that tell what was last read: exporters ask from threads of their own, where the desk
    cannot be read. It is read every 15 seconds, and never where nobody has configured a provider.

    Of histograms the count and the sum are told, with the names that they have for Prometheus.
    """

    def __init__(self) -> None:
        self._families: Mapping[str, list[Labelled]] = {}
        self._made = False

    @asynccontextmanager
    async def telling(self, desk: Desk) -> AsyncIterator[None]:
        """Tell of a desk as long as this is open."""
        meter = _meter()
        if meter is None:
            yield
            return
        from .families import read  # a desk that nobody asks for metrics needs none of it

        async def look() -> None:
            self._families = read(desk).families

        self._make(meter)
        following = asyncio.create_task(
            repeated(
                look,
                every_s=_EVERY_S,
                clock=desk.clock,
                log=_log,
                failure="OpenTelemetry hears of no new metrics",
            ),
            name="metrics for OpenTelemetry",
        )
        try:
            yield
        finally:
            await cancelled(following)
            self._families = {}

    def _make(self, meter: Meter) -> None:
        """Once a process: instruments cannot be taken back."""
        if self._made:
            return
        self._made = True
        for metric in METRICS.values():
            unit = next((unit for ending, unit in _UNITS.items() if metric.name.endswith(ending)), "1")
            if metric.kind == "histogram":
                for part, of_part in (("count", "1"), ("sum", "s")):
                    told = self._told(metric, part)
                    meter.create_observable_counter(f"{metric.name}_{part}", [told], of_part, metric.about)
                continue
            make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
            make(metric.sample_names[0], [self._told(metric)], unit, metric.about)

    def _told(self, metric: Metric, part: str = "") -> Callable[[CallbackOptions], Iterator[Observation]]:
        from opentelemetry.metrics import Observation

        def told(_: CallbackOptions) -> Iterator[Observation]:
            for labels, value in self._families.get(metric.name, ()):
                yield Observation(_part_of(value, part), labels)

        return told


INSTRUMENTS = Instruments()
"""Those of this process."""


def _part_of(value: float | Mapping[str, Any], part: str) -> float:
    if not isinstance(value, Mapping):
        return value
    return float(sum(value["counts"]) if part == "count" else value["sum_s"])


def _meter() -> Meter | None:
    """None where no provider is configured: this part of OpenTelemetry is not loaded then, or stands in for one."""
    metrics: Any = sys.modules.get("opentelemetry.metrics")
    if metrics is None:
        return None
    provider = metrics.get_meter_provider()
    if type(provider).__module__.startswith("opentelemetry.metrics"):
        return None
    meter: Meter = provider.get_meter("polydesk")
    return meter
