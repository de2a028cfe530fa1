"""Labelled sentences: what sentiment models are trained on and held against.

A file is one of

- JSON lines or a CSV/TSV table with a header, each row with `text`, `label` (negative, neutral or positive) and
  optionally `target`;
- the JSON lines of NewsMTSC (F. Hamborg and K. Donnay, 2021): `sentence_normalized` with `targets`, each with a
  `mention` and a `polarity` of 2 (negative), 4 (neutral) or 6 (positive).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABELS = ("negative", "neutral", "positive")
"""In the order of the models' outputs."""

_POLARITIES = {2: "negative", 4: "neutral", 6: "positive"}


class UnreadableLabels(ValueError):
    """A row of a labelled file is not of a known form. The text names the file, the row and what is wrong."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """`target` is what the label is about; empty for the text as a whole."""

    text: str
    target: str
    label: str


def read_labelled(path: Path) -> list[LabelledText]:
    """All rows of a file. Raises UnreadableLabels, also for a file without rows, and OSError."""
    rows: list[LabelledText] = []
    for number, row in _rows(path):
        try:
            rows.extend(_examples(row))
        except (KeyError, TypeError, ValueError) as error:
            wrong = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            raise UnreadableLabels(f"{path}, row {number}: {wrong}") from error
    if not rows:
        raise UnreadableLabels(f"{path} has no rows")
    return rows


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix in (".csv", ".tsv"):
            yield from enumerate(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","), start=2)
            return
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except ValueError as error:
                    raise UnreadableLabels(f"{path}, row {number}: this is not JSON") from error


def _examples(row: Mapping[str, Any]) -> Iterator[LabelledText]:
    if "targets" in row:
        for target in row["targets"]:
            yield LabelledText(row["sentence_normalized"], target["mention"], _POLARITIES[int(target["polarity"])])
        return
    if row["label"] not in LABELS:
        raise ValueError(f"the label {row['label']!r} is none of {', '.join(LABELS)}")
    yield LabelledText(row["text"], row.get("target") or "", row["label"])
