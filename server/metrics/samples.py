"""Samples of metrics, by family, as they go through a door and onto a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from ...core.telemetry.metrics import LatencySnapshot
from .catalogue import METRICS

Value: TypeAlias = float | Mapping[str, Any]
"""A number; of a histogram `bounds_s`, `counts` by bucket (the last without an end) and `sum_s`."""

Labelled: TypeAlias = tuple[dict[str, str], Value]


@dataclass(slots=True)
class Samples:
    """Samples by family. Only here do money and shares become floating point."""

    families: dict[str, list[Labelled]] = field(default_factory=dict)

    def add(self, name: str, value: float | Decimal | LatencySnapshot | None, **labels: str) -> None:
        """One sample of `polydesk_<name>`; what is not known is left out. Raises KeyError for an unknown name."""
        metric = METRICS[f"polydesk_{name}"]
        assert tuple(labels) == metric.labels, (name, labels)
        if value is None:
            return
        plain = _histogram(value) if isinstance(value, LatencySnapshot) else float(value)
        self.families.setdefault(metric.name, []).append((labels, plain))

    def one_of(self, name: str, is_so: str, among: Iterable[str], **labels: str) -> None:
        """A gauge with a label of states, of which one is 1."""
        state = METRICS[f"polydesk_{name}"].labels[-1]
        for each in among:
            self.add(name, float(each == is_so), **labels, **{state: each})

    def as_json(self) -> dict[str, Any]:
        return {"families": self.families}


def families_of(answer: Mapping[str, Any]) -> dict[str, list[Labelled]]:
    """What another process answered, as far as this one knows the families."""
    given: Mapping[str, Sequence[Any]] = answer["families"]
    return {name: [(dict(labels), value) for labels, value in rows] for name, rows in given.items() if name in METRICS}


def _histogram(latency: LatencySnapshot) -> dict[str, Any]:
    return {"bounds_s": list(latency.bounds_s), "counts": list(latency.counts), "sum_s": latency.sum_s}
