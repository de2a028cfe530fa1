"""How much is tried, and what came of it, told at the end of the run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("POLYDESK_FUZZ_EXAMPLES", "40"))
"""Inputs of each kind, the same ones each time; a longer run sets more, and then they are drawn anew."""

TRIED: Counter[str] = Counter()

settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    derandomize="POLYDESK_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a failure says what was tried; making it smaller takes long
)


@pytest.fixture(autouse=True)
def _fuzz_profile() -> Iterator[None]:
    before = settings.get_current_profile_name()
    settings.load_profile("fuzz")
    yield
    settings.load_profile(before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, count in sorted(TRIED.items()):
        terminalreporter.write_line(f"fuzz: {what}: {count} inputs")
