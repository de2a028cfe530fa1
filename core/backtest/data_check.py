"""What a file of somebody's own holds, before anything is run on it: columns, rows, times, markets, gaps, fidelity."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ..errors import ConfigurationError, InputRejected
from ..exchange.replay.moments import ResolutionMoment
from ..exchange.replay.recording import Recording, read_recording
from ..forecasting.calibration import shipped_calibration
from ..table_files import file_hashes
from .bars import BarAssumptions
from .fidelity import BARS_FILL, Fidelity, faithful
from .price_series import COLUMNS, PriceSeries, Rows, columns_by_meaning, is_price_table, tallied_series

MOST_INLINE_ROWS = 2_000
_SHOWN_GAPS = 5
_GAP_STEPS = 10
"""A gap is this many times the usual distance between a market's rows."""

_LEAST_GAP = timedelta(minutes=10)
_STUCK_ROWS = 5
_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class DataGap:
    """A stretch without a row of a market; `told` is why the recorder saw nothing, where it said so."""

    market: str
    since: datetime
    until: datetime
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """What was found. `problem` says why nothing can be run on it; the rest is then as far as it was read.

    `columns` is by meaning, `missing` are meanings without a column, `ignored` columns without a meaning. `dropped`
    counts rows by reason. `in_sample` names data that shipped weights were fitted on and that this is not independent
    of.
    """

    problem: str = ""
    layout: str = ""
    fidelity: Fidelity | None = None
    assumption: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    rows: int = 0
    used: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    time_zone: str = ""
    first: datetime | None = None
    last: datetime | None = None
    markets: int = 0
    outcomes_known: int = 0
    gaps: tuple[DataGap, ...] = ()
    in_sample: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_data(source: Path | Rows, assumptions: BarAssumptions | None = None) -> DataCheck:
    """Look at a file, a folder or rows at hand without running anything. Raises InputRejected for too many rows."""
    assumed = assumptions or BarAssumptions()
    if not isinstance(source, Path):
        check_inline(source)
        return _of_table(source, assumed, ())
    if not source.exists():
        return DataCheck(problem=f"There is nothing at {source}.")
    hashes = file_hashes(source)
    try:
        if is_price_table(source):
            return _of_table(source, assumed, hashes)
        return _of_recording(source, assumed, hashes)
    except ConfigurationError as error:
        return DataCheck(problem=error.message)


def check_inline(rows: Rows) -> None:
    """Raises InputRejected for more rows than may be handed in, or none."""
    if not 0 < len(rows) <= MOST_INLINE_ROWS:
        raise InputRejected(
            f"{len(rows)} rows were handed in; 1 to {MOST_INLINE_ROWS} can be.",
            code="wrong_number_of_rows",
            fix="name a file in one of the data folders",
        )


def allowed_file(path: str, folders: Sequence[Path]) -> Path:
    """The real path of a file or folder inside one of the folders that may be read; a relative one is looked for there.

    Links are followed first, so that none leads out. Raises InputRejected that names the folders.
    """
    given = Path(path).expanduser()
    for folder in folders:
        inside = folder.expanduser().resolve()
        found = (inside / given).resolve()
        if found.is_relative_to(inside) and found.exists():
            return found
    named = ", ".join(str(each) for each in folders) or "no folder"
    raise InputRejected(
        f"{path[:200]!r} is no file in a folder that may be read ({named}).",
        code="file_not_allowed",
        fix="put it there, or have POLYMARKET_DATA_FOLDERS name its folder",
    )


def _of_table(source: Path | Rows, assumed: BarAssumptions, hashes: Sequence[str]) -> DataCheck:
    try:
        series, tally = tallied_series(source)
    except ConfigurationError as error:
        return DataCheck(problem=error.message, layout="table of prices")
    columns = columns_by_meaning(tally.columns)
    first = min(each.rows[0].at_ms for each in series)
    last = max(each.rows[-1].at_ms for each in series)
    return DataCheck(
        layout="table of prices",
        fidelity="bars",
        assumption=f"{assumed.told(series)}; {BARS_FILL}",
        columns=columns,
        missing=tuple(each for each in COLUMNS if each not in columns and each not in ("history", "outcome", "label")),
        ignored=tuple(each for each in tally.columns if each not in columns.values()),
        rows=tally.rows,
        used=tally.used,
        dropped=dict(tally.dropped),
        time_zone=tally.time_zone,
        first=_moment(first),
        last=_moment(last),
        markets=len(series),
        outcomes_known=sum(each.first_won is not None for each in series),
        gaps=_gaps({each.question: [row.at_ms for row in each.rows] for each in series}),
        in_sample=_known(hashes, first, last),
        warnings=tuple(_doubts(series, tally.time_zone, columns)),
    )


def _of_recording(path: Path, assumed: BarAssumptions, hashes: Sequence[str]) -> DataCheck:
    recording, fidelity, told = faithful(read_recording([path]), assumed)
    questions = {str(each.gamma["conditionId"]): str(each.gamma["question"]) for each in recording.catalogue.markets}
    times: dict[str, list[int]] = defaultdict(list)
    decided = set()
    for moment in recording.moments:
        if isinstance(moment, ResolutionMoment):
            decided.add(moment.condition_id)
        else:
            times[questions.get(moment.condition_id, moment.condition_id)].append(moment.at_ms)
    if not times:
        return DataCheck(problem=f"{path} tells of markets and of nothing that happened.", layout="recording")
    first, last = min(map(min, times.values())), max(map(max, times.values()))
    blind = _told_gaps(recording, questions, last)
    kinds = Counter(type(moment).__name__.removesuffix("Moment").lower() for moment in recording.moments)
    return DataCheck(
        layout=f"recording ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))})",
        fidelity=fidelity,
        assumption=told,
        rows=len(recording.moments),
        used=len(recording.moments),
        time_zone="unix time, which is UTC",
        first=_moment(first),
        last=_moment(last),
        markets=len(questions),
        outcomes_known=len(decided & questions.keys()),
        gaps=(*blind[:_SHOWN_GAPS], *(each for each in _gaps(times) if not any(_meet(each, other) for other in blind))),
        in_sample=_known(hashes, first, last),
        warnings=(f"the recorder saw nothing in {len(blind)} stretches, of which the longest are told",)
        if len(blind) > _SHOWN_GAPS
        else (),
    )


def _told_gaps(recording: Recording, questions: Mapping[str, str], last_ms: int) -> list[DataGap]:
    """What the recorder told not to have seen, the longest first; until the end where no book came any more."""
    found = [
        DataGap(
            questions.get(each.condition_id, each.condition_id), _moment(each.since_ms), _moment(until), each.reason
        )
        for each in recording.blind
        if (until := last_ms if each.until_ms is None else each.until_ms) > each.since_ms
    ]
    return sorted(found, key=lambda gap: gap.since - gap.until)


def _meet(one: DataGap, other: DataGap) -> bool:
    return one.market == other.market and one.since <= other.until and other.since <= one.until


def _doubts(series: Sequence[PriceSeries], time_zone: str, columns: Mapping[str, str]) -> Iterable[str]:
    if time_zone.startswith("assumed"):
        yield "the times name no zone and are taken as UTC"
    if "token" in columns and "outcome" not in columns and "label" not in columns:
        yield "nothing says which token is the first outcome's: the one that comes first in each market is taken"
    stuck = sum(
        len(each.rows) > _STUCK_ROWS and {row.price for row in each.rows[-_STUCK_ROWS:]} == {_HALF} for each in series
    )
    if stuck:
        yield (
            f"{stuck} markets end with {_STUCK_ROWS} or more prices of exactly 0.5: such rows are mostly no prices but "
            "what an old market maker showed after the end"
        )
    twice = sum(len(each.rows) - len({row.at_ms for row in each.rows}) for each in series)
    if twice:
        yield f"{twice} rows have the market and the time of another one: the later one in the file counts"
    unknown = sum(each.first_won is None for each in series)
    if unknown:
        yield f"how {unknown} of {len(series)} markets ended is not told: their shares stand at the last price"


def _gaps(times: Mapping[str, Sequence[int]]) -> tuple[DataGap, ...]:
    """The longest stretches that are far longer than a market's usual step."""
    found = []
    for market, moments in times.items():
        steps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        if len(steps) < 2:
            continue
        limit = max(_GAP_STEPS * statistics.median(steps), _LEAST_GAP / timedelta(milliseconds=1))
        found += [
            DataGap(market, _moment(earlier), _moment(later))
            for earlier, later in itertools.pairwise(moments)
            if later - earlier > limit
        ]
    return tuple(sorted(found, key=lambda gap: gap.since - gap.until)[:_SHOWN_GAPS])


def _known(hashes: Sequence[str], first_ms: int, last_ms: int) -> tuple[str, ...]:
    return shipped_calibration().known_of(hashes=hashes, began=_moment(first_ms).date(), ended=_moment(last_ms).date())


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
