"""The package of docs/extending.md, built and installed as a user would, and what it adds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the page's package was installed."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    sources = tmp_path_factory.mktemp("my-desk-parts")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        name = re.match(r'"""(\w+\.py)"""', block)
        assert name is not None
        (sources / name[1]).write_text(block, encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (sources / "pyproject.toml").write_text(toml, encoding="utf-8")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(target), str(sources)], check=True, timeout=120)
    return target


def run(installed: Path, code: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{ROOT / 'src'}:{installed}", "PATH": "/usr/bin:/bin", "POLYMARKET_COMPUTE": "inline"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_a_strategy_of_another_package_is_listed_and_backtested(installed: Path, tmp_path: Path) -> None:
    listed = "from polydesk.core.strategies.registry import *; print(strategy_names(), origin_of('fade_favourites'))"
    told = run(installed, listed)
    assert "'fade_favourites'" in told
    assert "my-desk-parts 1.0" in told
    start = datetime(2026, 3, 1, tzinfo=UTC)
    rows = ["at,market_id,question,price,yes_won"]
    rows += [f"{(start + timedelta(hours=hour)).isoformat()},m,Will it rain?,0.95,0" for hour in range(6)]
    prices = tmp_path / "prices.csv"
    prices.write_text("\n".join(rows), encoding="utf-8")
    arguments = ["backtest", "--strategy", "fade_favourites", "--data", str(prices), "--json"]
    answer = json.loads(run(installed, f"from polydesk.server.cli import main; raise SystemExit(main({arguments!r}))"))
    assert answer["orders"] > 0
    assert answer["profit"]["total"] > 0  # the favourite lost


def test_a_source_of_another_package_is_opened_with_its_options(installed: Path, tmp_path: Path) -> None:
    settings = tmp_path / "news.json"
    settings.write_text(json.dumps({"packages": {"office_radio": {"said": "The Fed will not cut"}}}), encoding="utf-8")
    code = f"""
import asyncio
from polydesk.core.clock import SystemClock
from polydesk.core.news.collection import news_settings, open_sources
from polydesk.core.news.web_fetching import WebFetcher
(source,) = open_sources(news_settings({str(settings)!r}), gamma=None, clock=SystemClock(), fetcher=WebFetcher)
(item,) = asyncio.run(source.latest())
print(source.name, "|", item.title)
"""
    assert run(installed, code).strip() == "office radio | The Fed will not cut"


def test_what_is_not_installed_is_refused_by_name(tmp_path: Path) -> None:
    from polydesk.core.clock import SystemClock
    from polydesk.core.errors import ConfigurationError
    from polydesk.core.news.collection import news_settings, open_sources
    from polydesk.core.news.web_fetching import WebFetcher

    settings = tmp_path / "news.json"
    settings.write_text(json.dumps({"packages": {"nobody": {}}}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="No installed package offers a news source 'nobody'"):
        open_sources(news_settings(str(settings)), gamma=None, clock=SystemClock(), fetcher=WebFetcher)  # type: ignore[arg-type]  # not reached
