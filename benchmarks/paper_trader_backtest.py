"""polymarket-paper-trader's backtester under the common rule: run by a Python that has the package, in `backtest`.

Reads a JSON list of [market, midpoint] and prints seconds, snapshots, trades and profit as JSON. What the package
would fetch of markets from the service is handed to it, as nothing here reaches a network.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    from breakout import SHARES, Breakout  # type: ignore[import-not-found]
    from pm_trader.backtest import PriceSnapshot, run_backtest  # type: ignore[import-not-found]
    from pm_trader.models import Market  # type: ignore[import-not-found]

    rows: list[list[Any]] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    snapshots = [PriceSnapshot("2026-09-28T00:00:00Z", market, "yes", midpoint) for market, midpoint in rows]
    tokens = [{"token_id": "1", "outcome": "Yes"}, {"token_id": "2", "outcome": "No"}]
    rules: dict[str, Any] = {}
    held: dict[str, float] = {}

    def market_of(slug: str) -> Any:
        return Market(slug, slug, slug, "", ["Yes", "No"], [0.5, 0.5], tokens, active=True, closed=False)

    def strategy(engine: Any, snapshot: Any, prices: dict[str, float]) -> None:
        slug = snapshot.market_slug
        rule = rules.get(slug)
        if rule is None:
            rule = rules[slug] = Breakout()
        side = rule.side(snapshot.midpoint)
        if side is None:
            return
        engine.api.get_market = market_of
        if side == "buy":
            held[slug] = engine.buy(slug, "yes", SHARES * (snapshot.midpoint + 0.01)).trade.shares
        elif slug in held:
            engine.sell(slug, "yes", held.pop(slug))

    started = time.perf_counter()
    result = run_backtest(snapshots, strategy)
    seconds = time.perf_counter() - started
    told = SimpleNamespace(
        seconds=seconds,
        snapshots=result.snapshots_processed,
        trades=result.total_trades,
        errors=result.strategy_errors,
        last_error=result.last_error,
    )
    print(json.dumps(vars(told)))


if __name__ == "__main__":
    main()
