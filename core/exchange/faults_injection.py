"""The middleware that makes an exchange misbehave by its fault plan."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..clock import Clock
from .faults import (
    ClockSkew,
    ConnectionFault,
    FaultPlan,
    HtmlError,
    HttpFault,
    InvalidJson,
    RateLimited,
    Restart,
    SlowBody,
    StatusFault,
    StreamFault,
    TradingMode,
    Trigger,
)
from .faults_messages import body_of, cut_connection, held_answer, send_answer, slept, with_body
from .rejections import BAD_L1_HEADERS, UNAUTHORIZED

_PLACING = frozenset({("POST", "/clob/order"), ("POST", "/clob/orders")})
_CANCELLING = frozenset(
    ("DELETE", path) for path in ("/clob/order", "/clob/orders", "/clob/cancel-all", "/clob/cancel-market-orders")
)
_L1_PATHS = frozenset({"/clob/auth/api-key", "/clob/auth/derive-api-key"})

_POST_ONLY = "post-only mode: only post-only orders and cancels are allowed"
_CANCEL_ONLY = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
_DISABLED = "Trading is currently disabled. Check polymarket.com for updates"
_PROXY_PAGE = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body></html>"


class FaultInjection:
    """ASGI middleware. Rules are asked in their order, and a fault that lets a request pass hands it to the next.

    `counts` counts what went wrong, by kind; fixed answers by their status.
    """

    def __init__(self, app: ASGIApp, *, plan: FaultPlan, clock: Clock, counts: Counter[str]) -> None:
        self._app = app
        self._counts = counts
        self._clock = clock
        self._http = [(rule, Trigger(rule)) for rule in plan.http]
        self._streams = [(rule, Trigger(rule)) for rule in plan.streams]
        self._restarted_at: dict[int, datetime] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            rules = [(r, t) for r, t in self._streams if r.covers("GET", scope["path"])]
            disturbed = _DisturbedStream(send, rules, self._counts)
            await self._app(scope, receive, disturbed)
        elif scope["type"] == "http":
            await self._from(0, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _from(self, index: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request past the rules from number `index` on, to the exchange."""
        for number in range(index, len(self._http)):
            rule, trigger = self._http[number]
            if self._hits(number, rule, trigger, scope):
                await self._apply(number, rule, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _hits(self, number: int, rule: HttpFault, trigger: Trigger, scope: Scope) -> bool:
        request = scope["method"], scope["path"]
        if not rule.covers(*request):
            return False
        if isinstance(rule, (TradingMode, Restart)) and request not in _PLACING | _CANCELLING:
            return False
        if number in self._restarted_at:
            return True
        return trigger.pull()

    async def _apply(self, number: int, rule: HttpFault, scope: Scope, receive: Receive, send: Send) -> None:
        onward: ASGIApp = partial(self._from, number + 1)
        self._counts[f"status_{rule.status}" if isinstance(rule, StatusFault) else rule.kind] += 1
        match rule:
            case ConnectionFault(kind="reset_before_read"):
                await cut_connection(scope, receive)
            case ConnectionFault():
                await held_answer(onward, scope, receive)
                await cut_connection(scope, receive)
            case SlowBody():
                await self._trickle(rule, onward, scope, receive, send)
            case InvalidJson():
                answer = await held_answer(onward, scope, receive)
                await answer.release(send, answer.body[: len(answer.body) // 2] + b"{")
            case HtmlError():
                await send_answer(send, rule.status, _PROXY_PAGE, content_type="text/html")
            case StatusFault():
                await send_answer(send, rule.status, rule.body, headers=rule.headers, retry_after=rule.retry_after)
            case RateLimited():
                await send_answer(send, 429, {"error": "Too Many Requests"}, retry_after=rule.retry_after)
            case TradingMode():
                await _limit_trading(rule.kind, rule.retry_after, onward, scope, receive, send)
            case Restart():
                await self._restart(number, rule, onward, scope, receive, send)
            case ClockSkew():
                await self._skew(rule, onward, scope, receive, send)

    async def _trickle(self, rule: SlowBody, onward: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await held_answer(onward, scope, receive)
        await answer.begin(send, len(answer.body))
        size = -(-len(answer.body) // rule.pieces) or 1
        for start in range(0, len(answer.body), size):
            if not await slept(rule.delay_s, self._clock, receive):
                return
            await send({"type": "http.response.body", "body": answer.body[start : start + size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _restart(
        self, number: int, rule: Restart, onward: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        began = self._restarted_at.setdefault(number, self._clock.now())
        passed_s = (self._clock.now() - began).total_seconds()
        if passed_s < rule.restarting_s:
            await send_answer(send, 425, "")
            return
        left_s = rule.restarting_s + rule.post_only_s - passed_s
        if left_s > 0:
            await _limit_trading("post_only", left_s, onward, scope, receive, send)
        else:
            await onward(scope, receive, send)

    async def _skew(self, rule: ClockSkew, onward: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        stamp = Headers(scope=scope).get("poly_timestamp")
        if scope["path"] == "/clob/time":
            answer = await held_answer(onward, scope, receive)
            await answer.release(send, str(int(answer.body) + round(rule.seconds)).encode())
        elif stamp is not None and not self._is_current(stamp, rule):
            text = BAD_L1_HEADERS if scope["path"] in _L1_PATHS else UNAUTHORIZED
            await send_answer(send, 401, {"error": text})
        else:
            await onward(scope, receive, send)

    def _is_current(self, stamp: str, rule: ClockSkew) -> bool:
        venue_s = self._clock.now().timestamp() + rule.seconds
        return stamp.isdigit() and abs(venue_s - int(stamp)) <= rule.tolerance_s


async def _limit_trading(
    mode: str, retry_after: float | None, onward: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer what a mode refuses. A batch is refused as a whole by 503, but entry by entry in post-only mode."""
    placing = (scope["method"], scope["path"]) in _PLACING
    if mode == "disabled":
        await send_answer(send, 503, {"error": _DISABLED}, retry_after=retry_after)
    elif not placing:
        await onward(scope, receive, send)
    elif mode == "cancel_only":
        await send_answer(send, 503, {"error": _CANCEL_ONLY}, retry_after=retry_after)
    else:
        body = await body_of(receive)
        orders = _json_of(body)
        if isinstance(orders, list) and not all(map(_is_post_only, orders)):
            await send_answer(send, 200, [_refused_entry() for _ in orders])
        elif isinstance(orders, dict) and not _is_post_only(orders):
            refusal: dict[str, Any] = {"error": _POST_ONLY, "code": "post_only_mode"}
            if retry_after is not None:
                refusal["retry_after_seconds"] = round(retry_after)
            await send_answer(send, 503, refusal, retry_after=retry_after)
        else:
            await onward(scope, with_body(body, receive), send)


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _is_post_only(order: Any) -> bool:
    return isinstance(order, dict) and order.get("postOnly") is True


def _refused_entry() -> dict[str, Any]:
    empty = {"orderID": "", "status": "", "makingAmount": "", "takingAmount": ""}
    return {"success": True, "errorMsg": _POST_ONLY, **empty, "transactionsHashes": [], "tradeIDs": []}


class _DisturbedStream:
    """The sending side of one websocket."""

    def __init__(self, send: Send, rules: list[tuple[StreamFault, Trigger]], counts: Counter[str]) -> None:
        self._send = send
        self._counts = counts
        self._rules = rules
        self._frozen = False
        self._held: Message | None = None

    async def __call__(self, message: Message) -> None:
        text = message.get("text")
        if message["type"] != "websocket.send" or text is None or text == "PONG":
            await self._send(message)
            return
        if self._frozen:
            return
        kind = next((rule.kind for rule, trigger in self._rules if trigger.pull()), None)
        if kind is not None:
            self._counts[kind] += 1
        if kind == "freeze":
            self._frozen = True
        elif kind == "reorder" and self._held is None:
            self._held = message
        else:
            if kind == "truncate":
                message = {**message, "text": text[: len(text) // 2]}
            await self._send(message)
            if kind == "duplicate":
                await self._send(message)
            await self._release()

    async def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            await self._send(held)
