"""Strategies that trade by themselves: begun with somebody's yes, inside a mandate, over restarts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import InputRejected, PolymarketAPIError
from ..models import Trade
from ..risk.mandate import Mandate
from ..strategies.declaration import Declaration, Need
from ..strategies.look import code_of
from ..strategies.registry import strategy_class
from ..strategies.surroundings import Surroundings
from ..venues.venue import Venue
from .approvals import ApprovalBox, ApprovalRequest, Decision
from .carried_run import CarriedRun, FindMarket, RunEnd
from .consent import ConsentKind, ConsentPolicy
from .desk import TradingDesk
from .order_record import OrderRecord
from .order_states import UNDER_WAY
from .run_book import Run, RunBook, RunStatus
from .run_ledger import Worth, fills_of_orders
from .run_notes import RunNotes, notes_from_text, notes_to_text
from .run_profit import RunProfit, run_profit
from .run_withdrawal import may_trade, take_all_back
from .strategy_plan import StrategyPlan, check_strategy_plan, plan_from_text, plan_to_text

_log = logging.getLogger(__name__)

KIND = "strategy"
APPROVAL_WINDOW = timedelta(minutes=15)

_LOOK_S = 1.0
"""How often a run looks whether it was stopped or the desk halted."""

_SENDS_END_WITHIN_S = 10.0
"""So long an order on its way, and the cancels after a run, are waited for; what takes longer is seen to afterwards."""

_BLIND_LOOKS = 3
"""So many looks in a row that could not be made: nobody watches what rests, and it is taken back."""

_ORDERS = 50

_NO_MANDATE = Mandate(
    run_id="r_trial", max_loss_usd=Decimal(0), max_exposure_usd=Decimal(0), until=datetime.min.replace(tzinfo=UTC)
)

Surround = Callable[[str, Mandate], Surroundings]
"""What a strategy is given, whose orders have tokens that begin with a run's id."""


@dataclass(frozen=True, slots=True)
class StrategyProgress:
    """How a run stands. `waits_for` is a code for a person; `orders` are its newest ones."""

    run: Run
    plan: StrategyPlan
    notes: RunNotes
    profit: RunProfit
    orders: tuple[OrderRecord, ...]
    waits_for: str | None


@dataclass(slots=True)
class StrategyRuns:
    """The strategies that trade for one account. An `async with` takes over what a process that is gone has left.

    A run that goes on in another process makes its strategy anew, which looks at what the run holds and at history.
    On leaving, resting orders are taken back, because nobody would move them; the run itself stays for the next
    process. Orders of a run that has ended are asked back until they are gone, whichever process left them.
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
    _clearing: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self.take_over()
        return self

    async def __aexit__(self, *_: object) -> None:
        carried = dict(self._tasks)
        if sending := [task for run_id, task in carried.items() if run_id in self._busy]:
            await asyncio.wait(sending, timeout=_SENDS_END_WITHIN_S)
        for task in carried.values():
            await cancelled(task)
        clearing = [self._clear(run_id) for run_id in carried if may_trade(self.desk, f"{run_id}/")]
        if clearing := [*clearing, *self._clearing.values()]:
            await asyncio.wait(clearing, timeout=_SENDS_END_WITHIN_S)
        for task in list(self._clearing.values()):
            await cancelled(task)
        for run_id in list(self._codes):
            self._give_up(run_id, "the desk was closed before a person answered")

    @property
    def active(self) -> int:
        """How many runs this process is carrying on, or taking orders back of."""
        return len(self._tasks) + len(self._clearing)

    def take_over(self) -> None:
        """Carry on what processes that are gone have left. A question that one of them had asked is void.

        Of a run that ended, but whose process did not live to take its orders back, they are taken back now.
        """
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
        for run in self._ended_with_orders():
            self._clear(run.run_id)

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
        if (repeated := self.earlier(plan, client_token=client_token)) is not None:
            return repeated, False
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
            # An order that is on its way is not abandoned; the look places no other one.
            await asyncio.wait([task], timeout=_SENDS_END_WITHIN_S)
        if task is not None:
            await cancelled(task)
        if may_trade(self.desk, f"{run_id}/"):
            await asyncio.wait([self._clear(run_id)], timeout=_SENDS_END_WITHIN_S)
        return run

    async def progress(self, run: Run, *, trades: Sequence[Trade] | None = None) -> StrategyProgress:
        """How a run stands by now, by the account's `trades` where the caller has just read them.

        Raises what reading them raises.
        """
        journal, prefix = self.desk.journal, f"{run.run_id}/"
        order_ids = journal.order_ids_of_tokens(prefix)
        if trades is None:
            trades = await self.venue.trades() if order_ids else ()
        fills = fills_of_orders(trades, order_ids)
        records = journal.by_orders({each.order_id for each in fills})
        return StrategyProgress(
            run=run,
            plan=plan_from_text(run.document),
            notes=notes_from_text(run.progress),
            profit=await run_profit(list(records.values()), fills, self.desk.fee_of, self.worth),
            orders=tuple(reversed(journal.of_tokens(prefix, newest=_ORDERS))),
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
        task.add_done_callback(logs_failure(_log, f"{run.run_id} was left"))

    def _clear(self, run_id: str) -> asyncio.Task[None]:
        """Have the orders of a run taken back, and see to it until that is done."""
        task = self._clearing.get(run_id)
        if task is None:
            task = asyncio.ensure_future(take_all_back(self.desk, f"{run_id}/", self.clock))
            self._clearing[run_id] = task
            task.add_done_callback(lambda _: self._clearing.pop(run_id, None))
            task.add_done_callback(logs_failure(_log, f"orders of {run_id} may still rest"))
        return task

    def _ended_with_orders(self) -> list[Run]:
        """Strategies' runs that have ended, and of which this desk knows an order that may still trade."""
        begun = {(each.client_token or "").partition("/")[0] for each in self.desk.journal.in_state(*UNDER_WAY)}
        runs = [run for run_id in begun if (run := self.book.find(run_id)) is not None]
        return [run for run in runs if run.kind == KIND and not run.goes_on]

    async def _run(self, run: Run) -> None:
        name = "the strategy"
        try:
            plan, notes = plan_from_text(run.document), notes_from_text(run.progress)
            name = plan.strategy
            surroundings = self.surround(run.run_id, plan.mandate(run.run_id))
            strategy = strategy_class(plan.strategy).of(surroundings, plan.parameters)
            carried = CarriedRun(run, plan, strategy, surroundings, notes, self.desk, self.venue, self.find_market)
            end = None
            while end is None and self.book.is_mine(run.run_id):
                end = await self._step(carried)
        except PolymarketAPIError as error:
            end = RunEnd(RunStatus.STOPPED, f"it could not go on: {error.message}")
        except Exception as error:
            _log.exception("%s failed", run.run_id)
            end = RunEnd(RunStatus.STOPPED, f"{name} failed ({type(error).__name__}); the desk's log says why")
        if end is not None:
            self.book.end(run.run_id, end.status, end.cause, now=self.clock.now())
        if may_trade(self.desk, f"{run.run_id}/"):
            self._clear(run.run_id)

    async def _step(self, carried: CarriedRun) -> RunEnd | None:
        """Wait, look at what the run has lost, or have its strategy look; why the run is over, if it is."""
        halt, now = self.desk.halt, self.clock.now()
        run_id, plan, notes = carried.run.run_id, carried.plan, carried.notes
        if halt is not None:
            return RunEnd(RunStatus.STOPPED, f"trading was halted: {halt.reason}")
        if now >= plan.until:
            return RunEnd(RunStatus.DONE, "the time it was given is over")
        wait_s = notes.next_look_in_s(now, every_s=plan.every_s)
        if run_id in self._clearing:
            wait_s = _LOOK_S  # what is being asked back must not be what a look places
        looks = wait_s <= 0
        if not looks and not carried.weighs(now):
            await self.clock.sleep(min(wait_s, _LOOK_S))
            return None
        if looks:
            notes.looked(now, every_s=plan.every_s)
        self._busy.add(run_id)
        try:
            end = await carried.weigh()
            if looks and end is None:
                end = await carried.look()
            carried.blind = 0 if looks else carried.blind
        except PolymarketAPIError as error:
            # The venue or a source cannot be read now: the next look may.
            notes.problems[code_of(error)] = notes.problems.get(code_of(error), 0) + 1
            carried.blind += 1
            if carried.blind == _BLIND_LOOKS and carried.strategy.declaration.rests:
                self._clear(run_id)
            end = None
        finally:
            self._busy.discard(run_id)
        self.book.note(run_id, notes_to_text(notes), now=now)
        return end
