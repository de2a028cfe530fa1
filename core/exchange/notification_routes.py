"""Routes that read and drop an account's notifications."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .authentication import authenticated
from .notifications import Notifications
from .rejections import Rejection
from .responses import JsonResponse, exchange_of


def notification_routes(notifications: Notifications) -> list[Route]:
    async def read(request: Request) -> Response:
        credential = await authenticated(request, exchange_of(request))
        return JsonResponse([each.as_json() for each in notifications.of(credential.address)])

    async def drop(request: Request) -> Response:
        credential = await authenticated(request, exchange_of(request))
        ids = [given for given in request.query_params.get("ids", "").split(",") if given]
        if not ids or not all(given.isascii() and given.isdigit() for given in ids):
            raise Rejection("Invalid payload")
        notifications.drop(credential.address, {int(given) for given in ids})
        return JsonResponse("OK")

    return [
        Route("/notifications", read, methods=["GET"]),
        Route("/notifications", drop, methods=["DELETE"]),
    ]
