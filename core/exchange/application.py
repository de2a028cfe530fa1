"""The exchange as one ASGI application: its REST services and streams on one port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from .address_limits import AddressLimits
from .auth_routes import auth_routes
from .auto_redeem import AutoRedeemer
from .builder_routes import builder_routes
from .data_query import DataError, data_error_response
from .data_routes import data_routes
from .data_statistics_routes import data_statistics_routes
from .data_v1_routes import data_v1_routes
from .data_wallet_routes import data_wallet_routes
from .earning_routes import earning_routes
from .faults_injection import FaultInjection
from .game_start import GameStarts
from .gamma_filters import GammaError
from .gamma_people_routes import gamma_people_routes
from .gamma_routes import gamma_error_response, gamma_routes
from .gamma_subject_routes import gamma_subject_routes
from .heartbeats import Heartbeats, heartbeat_routes
from .history_routes import history_routes
from .listing_routes import listing_routes
from .live_data import LiveData
from .market_data_routes import market_data_routes
from .notification_routes import notification_routes
from .notifications import Notifications
from .rejections import Rejection
from .relayer import Relayer
from .relayer_routes import relayer_routes
from .resolution import Resolutions
from .responses import JsonResponse, clob_error, exchange_of, rejection_response
from .reward_payments import RewardPayments
from .reward_routes import reward_routes
from .signer_limits import limited_routes, tier_route
from .streams import StreamHub
from .trading_routes import trading_routes
from .venue import Exchange


def build_application(exchange: Exchange, *, before: Sequence[Middleware] = ()) -> Starlette:
    """Serve `exchange` under /clob, /gamma, /data, /ws/market and /ws/user, with the limits and faults of its settings.

    /api/geoblock answers as the venue's site does, /relayer as the service that sends wallets' transactions, and
    /ws/live-data as the one that tells prices of coins.
    `before` looks at requests last, right before the routes.
    """
    hub = StreamHub(exchange)
    faults = exchange.settings.faults
    counts: Counter[str] = Counter()
    middleware = []
    if faults.rules:
        middleware.append(Middleware(FaultInjection, plan=faults, clock=exchange.clock, counts=counts))
    if exchange.settings.address_limits == "enforce":
        middleware.append(Middleware(AddressLimits, clock=exchange.clock))
    clob = [
        *limited_routes(trading_routes(), exchange),  # first, as routes are tried in their order
        *market_data_routes(),
        *history_routes(),
        *listing_routes(),
        *auth_routes(),
        *reward_routes(),
        tier_route(exchange),
        *builder_routes(),
        *earning_routes(RewardPayments(exchange)),
        *notification_routes(Notifications(exchange)),
        *heartbeat_routes(Heartbeats(exchange)),
    ]
    data = [*data_routes(), *data_statistics_routes(), *data_wallet_routes(), *data_v1_routes()]
    relayer = Relayer(exchange)
    application = Starlette(
        routes=[
            Mount("/clob", routes=clob),
            Mount("/gamma", routes=[*gamma_routes(), *gamma_subject_routes(), *gamma_people_routes()]),
            Mount("/data", routes=data),
            Route("/api/geoblock", _geoblock),
            Mount("/relayer", routes=relayer_routes(relayer)),
            WebSocketRoute("/ws/market", hub.serve_market),
            WebSocketRoute("/ws/user", hub.serve_user),
            WebSocketRoute("/ws/live-data", LiveData(exchange, hub.counts).serve),
        ],
        middleware=[*middleware, *before],
        exception_handlers={
            ClientDisconnect: _nobody_listens,
            Rejection: rejection_response,
            GammaError: gamma_error_response,
            DataError: data_error_response,
            404: _not_found,
            405: _not_found,
        },
    )
    application.state.exchange = exchange
    application.state.streams = hub
    application.state.relayer = relayer
    application.state.fault_counts = counts
    GameStarts(exchange)
    if exchange.settings.auto_redeem_after_s is not None:
        AutoRedeemer(exchange, after_s=exchange.settings.auto_redeem_after_s)
    application.state.resolutions = resolutions = Resolutions(exchange)
    resolutions.settle_at_end(exchange.settings.known_outcomes)
    return application


async def _geoblock(request: Request) -> Response:
    controls = exchange_of(request).controls
    address = request.client.host if request.client else ""
    return JsonResponse({"blocked": controls.blocked, "ip": address, "country": controls.country, "region": ""})


async def _nobody_listens(request: Request, error: Exception) -> Response:
    """The client went away in the middle of its request, so nothing was processed and nobody reads the answer."""
    return Response(status_code=400)


async def _not_found(request: Request, error: Exception) -> Response:
    return clob_error("not found", status=404)
