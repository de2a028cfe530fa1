"""Samples as a page for Prometheus: its text format, or OpenMetrics for who asks for that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from .catalogue import METRICS
from .samples import Labelled

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family


def page(families: Mapping[str, Sequence[Labelled]], *, accept: str) -> tuple[bytes, str]:
    """The page, and its content type, for an Accept header. The client library is loaded by the first page."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    class Read:
        def collect(self) -> Iterable[Family]:
            return _families(families)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Read())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _families(families: Mapping[str, Sequence[Labelled]]) -> Iterable[Family]:
    from prometheus_client.core import Metric as Family

    for name, metric in METRICS.items():
        rows = families.get(name)
        if not rows:
            continue
        family = Family(name, metric.about, metric.kind)
        for labels, value in rows:
            if not isinstance(value, Mapping):
                family.add_sample(metric.sample_names[0], labels, value)
                continue
            bounds = [*(str(float(bound)) for bound in value["bounds_s"]), "+Inf"]
            counts = list(accumulate(value["counts"]))
            for bound, count in zip(bounds, counts, strict=True):
                family.add_sample(f"{name}_bucket", {**labels, "le": bound}, count)
            family.add_sample(f"{name}_count", labels, counts[-1])
            family.add_sample(f"{name}_sum", labels, value["sum_s"])
        yield family
