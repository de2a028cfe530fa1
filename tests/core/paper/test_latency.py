"""How long orders are on their way."""

from __future__ import annotations

from random import Random
from statistics import median

from polydesk.core.paper.latency import Latency


def drawn(seed: int, *, median_ms: float = 90, spread: float = 0.35) -> list[float]:
    latency = Latency(median_ms=median_ms, spread=spread, random=Random(seed))
    return [latency.draw_s() for _ in range(2000)]


def test_delays_lie_around_the_median_and_one_in_twenty_takes_much_longer() -> None:
    delays = sorted(drawn(1))
    assert 0.085 < median(delays) < 0.095
    assert 1.6 < delays[1900] / median(delays) < 2.0
    assert delays[0] > 0


def test_the_same_seed_draws_the_same_delays() -> None:
    assert drawn(1) == drawn(1) != drawn(2)


def test_there_may_be_no_delay_or_always_the_same() -> None:
    assert set(drawn(1, median_ms=0)) == {0.0}
    assert {round(delay, 9) for delay in drawn(1, spread=0)} == {0.09}
