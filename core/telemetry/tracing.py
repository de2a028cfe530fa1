"""Spans of OpenTelemetry around calls to a venue, where the host of this process has configured a tracer provider."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from .request import current_request

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, Tracer

_NAME = "polydesk"


def venue_span(route: str, attributes: Mapping[str, str]) -> AbstractContextManager[Span | None]:
    """A client's span around one request to a venue; None, and nothing loaded, where nobody collects spans."""
    tracer = _tracer()
    return nullcontext() if tracer is None else _spanned(tracer, route, attributes)


def describe_call(**attributes: str) -> None:
    """Put attributes and the request's id on the span that is under way, which the SDK has begun for a tool call."""
    if _tracer() is None:
        return
    from opentelemetry.trace import get_current_span

    span = get_current_span()
    if span.is_recording():
        span.set_attributes({**_of_the_request(), **{f"polydesk.{name}": text for name, text in attributes.items()}})


@contextmanager
def _spanned(tracer: Tracer, route: str, attributes: Mapping[str, str]) -> Iterator[Span]:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind, get_current_span

    # What a call has begun and outlives it, such as a strategy's run, begins traces of its own.
    around = get_current_span()
    known = around.get_span_context()
    alone = known.is_valid and known.trace_flags.sampled and not known.is_remote and not around.is_recording()
    with tracer.start_as_current_span(
        route,
        context=Context() if alone else None,
        kind=SpanKind.CLIENT,
        attributes={**attributes, **_of_the_request()},
    ) as span:
        yield span


def _of_the_request() -> dict[str, str]:
    request = current_request()
    return {} if request is None else {"polydesk.request_id": request.request_id}


def _tracer() -> Tracer | None:
    trace: Any = sys.modules.get("opentelemetry.trace")  # the SDK of the protocol has loaded it, unless none runs
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return None
    tracer: Tracer = provider.get_tracer(_NAME)
    return tracer
