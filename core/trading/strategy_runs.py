"""Strategies that trade by themselves: begun with somebody's yes, inside a mandate, over restarts."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self

from ..background_tasks import cancelled
from ..clock import Clock
from ..errors import InputRejected, PolymarketAPIError
from ..identifiers import ConditionId
from ..models import Market, TradingSignal
from ..risk.mandate import Mandate
from ..strategies.decision import TargetQuotes
from ..strategies.declaration import Declaration, Need
from ..strategies.look import Look, code_of, look
from ..strategies.registry import strategy_class
from ..strategies.strategy import PolymarketStrategy
from ..strategies.surroundings import Surroundings
from ..venues.venue import Venue
from .approvals import ApprovalBox, ApprovalRequest, Decision
from .consent import ConsentKind, ConsentPolicy
from .desk import TradingDesk
from .order_record import OrderRecord
from .run_book import Run, RunBook, RunStatus
from .run_ledger import Worth, fills_of_orders
from .run_profit import RunProfit, run_profit
from .strategy_plan import (
    Explained,
    RunNotes,
    StrategyPlan,
    check_strategy_plan,
    notes_from_text,
    notes_to_text,
    plan_from_text,
    plan_to_text,
)

_log = logging.getLogger(__name__)

KIND = "strategy"
APPROVAL_WINDOW = timedelta(minutes=15)

_LOOK_S = 1.0
"""How often a run looks whether it was stopped or the desk halted."""

_ADJUSTMENTS = 20

_NO_MANDATE = Mandate(
    run_id="r_trial", max_loss_usd=Decimal(0), max_exposure_usd=Decimal(0), until=datetime.min.replace(tzinfo=UTC)
)

Surround = Callable[[str, Mandate], Surroundings]
"""What a strategy is given, whose orders have tokens that begin with a run's id."""

FindMarket = Callable[[ConditionId], Awaitable[Market]]


@dataclass(frozen=True, slots=True)
class StrategyProgress:
    """How a run stands. `waits_for` is a code for a person; `orders` are its newest ones."""

    run: Run
    plan: StrategyPlan
    notes: RunNotes
    profit: RunProfit
    orders: tuple[OrderRecord, ...]
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class _End:
    status: RunStatus
    cause: str


@dataclass(slots=True)
class StrategyRuns:
    """The strategies that trade for one account. An `async with` takes over what a process that is gone has left.

    A run that goes on in another process makes its strategy anew, which looks at what the run holds and at history.
    On leaving, resting orders are taken back, because nobody would move them; the run itself stays for the next
    process.
    """

    desk: TradingDesk
    venue: Venue
    book: RunBook
    clock: Clock
    consent: ConsentPolicy
    approvals: ApprovalBox
    surround: Surround
    find_market: FindMarket
    worth: Worth
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _strategies: dict[str, PolymarketStrategy] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self.take_over()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks.values()):
            await cancelled(task)
        for run_id in list(self._strategies):
            await self._withdraw(run_id)
        for run_id in list(self._codes):
            self._give_up(run_id, "the desk was closed before a person answered")

    @property
    def active(self) -> int:
        """How many runs this process is carrying on."""
        return len(self._tasks)

    def take_over(self) -> None:
        """Carry on what processes that are gone have left. A question that one of them had asked is void."""
        adopted = self.book.adopt_orphans(KIND, now=self.clock.now())
        if adopted:
            self.desk.take_over()
        for run in adopted:
            if run.status is RunStatus.AWAITING_PERSON:
                self.book.end(
                    run.run_id, RunStatus.STOPPED, "the desk ended before a person answered", now=self.clock.now()
                )
            else:
                self._carry_on(run)

    def consent_kind(self, *, host_can_ask: bool) -> ConsentKind:
        """Whose yes a run needs."""
        return self.consent.required_of_user(host_can_ask=host_can_ask)

    def earlier(self, plan: StrategyPlan, *, client_token: str | None) -> Run | None:
        """The run that starting this one would repeat. Raises InputRejected `token_reused`."""
        return self.book.earlier(plan.fingerprint, client_token=client_token, now=self.clock.now())

    def lacks(self, declaration: Declaration) -> str:
        """What keeps a strategy from running on this desk, or nothing."""
        around = self.surround("r_trial", _NO_MANDATE)
        given = {Need.NEWS: around.news, Need.REFERENCE_PRICES: around.reference}
        missing = sorted(need.value for need in declaration.needs if need in given and given[need] is None)
        return f"this desk has no {' and no '.join(missing)}: it can be backtested" if missing else ""

    def start(
        self,
        plan: StrategyPlan,
        *,
        questions: tuple[str, ...],
        client_token: str | None = None,
        host_can_ask: bool = False,
        agreed_by_user: bool = False,
    ) -> tuple[Run, bool]:
        """Begin, or wait for a person; and whether this is a new run: a repeated call answers the run it repeats.

        `questions` are what the markets ask, for who is to agree. Raises InputRejected for what could not begin,
        `not_confirmed` where the host's user was asked and did not agree, and for a token that began other work.
        """
        kind = strategy_class(plan.strategy)
        check_strategy_plan(plan, kind.declaration, now=self.clock.now())
        needed = self.consent_kind(host_can_ask=host_can_ask)
        if needed is ConsentKind.DIALOG and not agreed_by_user:
            raise InputRejected("The user did not agree to this run.", code="not_confirmed")
        kind.of(self.surround("r_trial", plan.mandate("r_trial")), plan.parameters)  # raises for what it lacks
        waits = needed is ConsentKind.PERSON
        run, is_new = self.book.open(
            KIND,
            plan_to_text(plan),
            fingerprint=plan.fingerprint,
            client_token=client_token,
            now=self.clock.now(),
            status=RunStatus.AWAITING_PERSON if waits else RunStatus.RUNNING,
        )
        if is_new and waits:
            expires_at = self.clock.now() + APPROVAL_WINDOW
            self._wait_for(run, self.approvals.ask(plan.described(questions), expires_at=expires_at))
        elif is_new:
            self._carry_on(run)
        return run, is_new

    async def stop(self, run_id: str, cause: str) -> Run:
        """End a run now and take its resting orders back. What it holds stays.

        Raises InputRejected `unknown_run`.
        """
        run = self.book.end(run_id, RunStatus.STOPPED, cause, now=self.clock.now())
        if (code := self._codes.pop(run_id, None)) is not None:
            self.approvals.remove(code)
        task = self._tasks.get(run_id)
        if task is not None and run_id in self._busy:
            await asyncio.wait([task])  # an order that is on its way is not abandoned
        elif task is not None:
            await cancelled(task)
        await self._withdraw(run_id)
        return run

    async def progress(self, run: Run) -> StrategyProgress:
        """How a run stands by now. Raises what reading the account's trades raises."""
        records = self.desk.journal.of_tokens(f"{run.run_id}/")
        order_ids = frozenset(each.order_id for each in records if each.order_id is not None)
        fills = fills_of_orders(await self.venue.trades(), order_ids) if order_ids else []
        return StrategyProgress(
            run=run,
            plan=plan_from_text(run.document),
            notes=notes_from_text(run.progress),
            profit=await run_profit(records, fills, self.desk.fee_of, self.worth),
            orders=tuple(reversed(records[-50:])),
            waits_for=self._codes.get(run.run_id),
        )

    def _wait_for(self, run: Run, request: ApprovalRequest) -> None:
        self._codes[run.run_id] = request.code
        self._spawn(run, self._wait(run, request.code))

    async def _wait(self, run: Run, code: str) -> None:
        decision = await self.approvals.decision(code, self.clock)
        self._codes.pop(run.run_id, None)
        self.approvals.remove(code)
        if decision is Decision.APPROVED:
            await self._run(self.book.begin(run.run_id, now=self.clock.now()))
            return
        cause = "nobody answered in time" if decision is Decision.EXPIRED else "the person said no"
        self.book.end(run.run_id, RunStatus.STOPPED, cause, now=self.clock.now())

    def _give_up(self, run_id: str, cause: str) -> None:
        self.approvals.remove(self._codes.pop(run_id))
        self.book.end(run_id, RunStatus.STOPPED, cause, now=self.clock.now())

    def _carry_on(self, run: Run) -> None:
        self._spawn(run, self._run(run))

    def _spawn(self, run: Run, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks[run.run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run.run_id, None))

    async def _run(self, run: Run) -> None:
        plan, notes = plan_from_text(run.document), notes_from_text(run.progress)
        try:
            kind = strategy_class(plan.strategy)
            surroundings = self.surround(run.run_id, plan.mandate(run.run_id))
            strategy = self._strategies[run.run_id] = kind.of(surroundings, plan.parameters)
            end = None
            while end is None and self.book.is_mine(run.run_id):
                end = await self._step(run, plan, strategy, surroundings, notes)
        except PolymarketAPIError as error:
            end = _End(RunStatus.STOPPED, f"it could not go on: {error.message}")
        except Exception as error:
            _log.exception("%s failed", run.run_id)
            end = _End(RunStatus.STOPPED, f"{plan.strategy} failed ({type(error).__name__}); the desk's log says why")
        if end is not None:
            self.book.end(run.run_id, end.status, end.cause, now=self.clock.now())
            await self._withdraw(run.run_id)

    async def _step(
        self,
        run: Run,
        plan: StrategyPlan,
        strategy: PolymarketStrategy,
        surroundings: Surroundings,
        notes: RunNotes,
    ) -> _End | None:
        """Wait for the next look, or look; why the run is over, if it is."""
        halt, now = self.desk.halt, self.clock.now()
        if halt is not None:
            return _End(RunStatus.STOPPED, f"trading was halted: {halt.reason}")
        if now >= plan.until:
            return _End(RunStatus.DONE, "the time it was given is over")
        wait_s = plan.every_s - (now - notes.last_look).total_seconds() if notes.last_look is not None else 0.0
        if wait_s > 0:
            await self.clock.sleep(min(wait_s, _LOOK_S))
            return None
        notes.looked(now, every_s=plan.every_s)
        self._busy.add(run.run_id)
        try:
            end = await self._look(plan, strategy, surroundings, notes)
        except PolymarketAPIError as error:
            # The venue or a source cannot be read now: the next look may.
            notes.problems[code_of(error)] = notes.problems.get(code_of(error), 0) + 1
            end = None
        finally:
            self._busy.discard(run.run_id)
        self.book.note(run.run_id, notes_to_text(notes), now=now)
        return end

    async def _look(
        self, plan: StrategyPlan, strategy: PolymarketStrategy, surroundings: Surroundings, notes: RunNotes
    ) -> _End | None:
        holdings = await surroundings.account.holdings()
        notes.profit_usd = round(holdings.profit, 6)
        notes.worst_usd = min(notes.worst_usd, notes.profit_usd)
        if holdings.profit <= -plan.max_loss_usd:
            return _End(RunStatus.STOPPED, f"it has lost ${-holdings.profit:.2f}, as much as it was allowed to")
        markets = [await self.find_market(condition_id) for condition_id in plan.markets]
        if all(market.closed for market in markets):
            return _End(RunStatus.DONE, "all of its markets have ended")
        open_markets = [market for market in markets if market.tradable]
        if open_markets:
            slugs: dict[str, str] = {market.condition_id: market.slug for market in open_markets}
            _note(notes, await look(strategy, open_markets), slugs)
        return None

    async def _withdraw(self, run_id: str) -> None:
        """Take back what the run has resting. What cannot be is a dead letter of the desk's, and in its log."""
        strategy = self._strategies.pop(run_id, None)
        if strategy is None or not strategy.declaration.rests:
            return
        try:
            await strategy.execution.withdraw()
        except PolymarketAPIError as error:
            _log.error("%s has ended and its orders may still rest: %s", run_id, error.message)


def _note(notes: RunNotes, done: Look, slugs: Mapping[str, str]) -> None:
    """Write down what a look led to."""
    decision = done.decision
    signals: list[TradingSignal] = [*decision.signals, *(leg for basket in decision.baskets for leg in basket.legs)]
    notes.signals += sum(signal.verdict != "no_edge" for signal in signals)
    notes.placed += len(done.trades) + done.quotes.placed + sum(len(basket.trades) for basket in done.baskets)
    for code, count in done.refused.items():
        notes.refused[code] = notes.refused.get(code, 0) + count
    for each in decision.adjustments:
        told = f"{each.as_of:%Y-%m-%d %H:%M:%S} {each.parameter} {each.before} -> {each.after}: {each.reason}"
        notes.adjustments = [*notes.adjustments, told][-_ADJUSTMENTS:]
    explained = [_explained(signal) for signal in signals] + [_quoted(target) for target in decision.quotes]
    notes.explain([dataclasses.replace(each, market=slugs.get(each.market, each.market)) for each in explained])


def _explained(signal: TradingSignal) -> Explained:
    return Explained(
        signal.market_id,
        signal.verdict,
        signal.outcome,
        signal.price,
        signal.size,
        signal.reason[:400],
        signal.as_of,
    )


def _quoted(target: TargetQuotes) -> Explained:
    first = target.quotes[0] if target.quotes else None
    return Explained(
        target.market_id,
        "quote" if first else "no_edge",
        first.outcome if first else "",
        target.fair_value or Decimal(0),
        first.size if first else Decimal(0),
        target.reason[:400],
        target.as_of,
    )
