"""The exchange as one ASGI application: three REST services and two streams on one port."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, WebSocketRoute

from .auth_routes import auth_routes
from .data_routes import DataError, data_error_response, data_routes
from .gamma_filters import GammaError
from .gamma_routes import gamma_error_response, gamma_routes
from .listing_routes import listing_routes
from .market_data_routes import market_data_routes
from .rejections import Rejection
from .responses import clob_error, rejection_response
from .streams import StreamHub
from .trading_routes import trading_routes
from .venue import Exchange


def build_application(exchange: Exchange) -> Starlette:
    """Serve `exchange` under /clob, /gamma, /data, /ws/market and /ws/user."""
    hub = StreamHub(exchange)
    clob = [*market_data_routes(), *listing_routes(), *auth_routes(), *trading_routes()]
    application = Starlette(
        routes=[
            Mount("/clob", routes=clob),
            Mount("/gamma", routes=gamma_routes()),
            Mount("/data", routes=data_routes()),
            WebSocketRoute("/ws/market", hub.serve_market),
            WebSocketRoute("/ws/user", hub.serve_user),
        ],
        exception_handlers={
            Rejection: rejection_response,
            GammaError: gamma_error_response,
            DataError: data_error_response,
            404: _not_found,
            405: _not_found,
        },
    )
    application.state.exchange = exchange
    application.state.streams = hub
    return application


async def _not_found(request: Request, error: Exception) -> Response:
    return clob_error("not found", status=404)
