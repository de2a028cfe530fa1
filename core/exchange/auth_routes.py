"""Routes that make, list and delete API keys."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .authentication import attested_address, authenticated
from .credentials import Credential
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, json_body


def auth_routes() -> list[Route]:
    return [
        Route("/auth/api-key", _create, methods=["POST"]),
        Route("/auth/api-key", _delete, methods=["DELETE"]),
        Route("/auth/derive-api-key", _derive, methods=["GET"]),
        Route("/auth/api-keys", _list, methods=["GET"]),
        Route("/auth/readonly-api-key", _create_readonly, methods=["POST"]),
        Route("/auth/readonly-api-key", _delete_readonly, methods=["DELETE"]),
        Route("/auth/readonly-api-keys", _list_readonly, methods=["GET"]),
        Route("/auth/ban-status/closed-only", _closed_only, methods=["GET"]),
    ]


async def _create(request: Request) -> Response:
    exchange = exchange_of(request)
    made = exchange.accounts.create_credential(*attested_address(request, exchange))
    if made is None:
        raise Rejection("Could not create api key")
    exchange.accounts.open_account(made.address)
    return _credential_response(made)


async def _derive(request: Request) -> Response:
    exchange = exchange_of(request)
    known = exchange.credentials.derive(*attested_address(request, exchange))
    if known is None:
        raise Rejection("Could not derive api key!")
    return _credential_response(known)


async def _list(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    return JsonResponse({"apiKeys": [made.api_key for made in exchange.credentials.of(credential.address)]})


async def _delete(request: Request) -> Response:
    exchange = exchange_of(request)
    exchange.accounts.delete_credential(await authenticated(request, exchange))
    return JsonResponse("OK")


async def _create_readonly(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    return JsonResponse({"apiKey": exchange.accounts.create_readonly_key(credential.address)})


async def _list_readonly(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    return JsonResponse({"readonlyApiKeys": exchange.credentials.readonly_of(credential.address)})


async def _delete_readonly(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    body = await json_body(request, error="Invalid payload")
    key = body.get("key") if isinstance(body, dict) else None
    if not isinstance(key, str) or not exchange.accounts.delete_readonly_key(credential.address, key):
        raise Rejection("Could not delete API key")
    return JsonResponse("OK")


async def _closed_only(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    return JsonResponse({"closed_only": exchange.controls.is_closed_only(credential.address)})


def _credential_response(credential: Credential) -> Response:
    return JsonResponse(
        {"apiKey": credential.api_key, "secret": credential.secret, "passphrase": credential.passphrase}
    )
