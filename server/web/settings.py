"""What a server on a network address is told, as environment variables that begin with POLYMARKET_HTTP_."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ...core.errors import ConfigurationError
from ...core.key_storage.keystore import check_private
from ...core.loopback import is_loopback


class HttpSettings(BaseSettings):
    """All of them; the field names in capitals behind `POLYMARKET_HTTP_` are the environment variables."""

    model_config = SettingsConfigDict(
        env_prefix="POLYMARKET_HTTP_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    public_url: str | None = Field(
        None, description="Address by which clients reach this server, e.g. `https://desk.example`."
    )
    tls_certificate: Path | None = Field(None, description="PEM file with the certificate to serve https with.")
    tls_key: Path | None = Field(None, description="PEM file with the certificate's key.")
    behind_tls_proxy: bool = Field(False, description="Whether a proxy in front of this server ends TLS.")
    oauth_issuer: str | None = Field(
        None, description="Authorization server whose tokens (JWT) are accepted, besides those of `polydesk tokens`."
    )
    oauth_jwks_url: str | None = Field(
        None, description="Where that server's keys are; by default its issuer's `/.well-known/jwks.json`."
    )
    calls_per_minute: Annotated[int, Field(ge=1)] = Field(
        300, description="Most requests that one client may make in a minute."
    )


def load_http_settings() -> HttpSettings:
    """The settings of the environment. Raises ConfigurationError that names what is wrong, never its value."""
    given: dict[str, Any] = {}  # all of them come from the environment
    try:
        settings = HttpSettings(**given)
    except ValidationError as error:
        named = ", ".join(f"POLYMARKET_HTTP_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise ConfigurationError(f"Settings cannot be used: {named}.") from error
    for name in ("public_url", "oauth_issuer", "oauth_jwks_url"):
        if (url := getattr(settings, name)) is not None:
            _check_url(f"POLYMARKET_HTTP_{name.upper()}", url)
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise ConfigurationError("POLYMARKET_HTTP_TLS_CERTIFICATE and POLYMARKET_HTTP_TLS_KEY go together.")
    return settings


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not parts.hostname or not encrypted or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be an https address without a user, query or fragment.")


def check_tls(settings: HttpSettings) -> None:
    """Raise ConfigurationError for a certificate and key that cannot be served with, before anything listens.

    A key that others may read is one of those, and one with a passphrase: a server that a host starts has nobody to
    ask for it.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate, settings.tls_key, password=lambda: ""
        )
    except OSError as error:
        raise ConfigurationError(
            f"POLYMARKET_HTTP_TLS_CERTIFICATE and _KEY cannot be used: {error.strerror or error}; both are PEM files, "
            "the key without a passphrase."
        ) from error
    check_private(settings.tls_key)


def check_exposure(host: str, settings: HttpSettings, *, has_authentication: bool) -> None:
    """Raise ConfigurationError where others could reach the server unasked or in the clear.

    Beyond this machine there must be authentication, TLS (here or at a proxy), and the address that clients use: a
    request that names another host was led here by somebody else's name.
    """
    if is_loopback(host):
        return
    missing = []
    if not has_authentication:
        missing.append("a token (`polydesk tokens add NAME`) or POLYMARKET_HTTP_OAUTH_ISSUER")
    if settings.tls_certificate is None and not settings.behind_tls_proxy:
        missing.append("POLYMARKET_HTTP_TLS_CERTIFICATE and _KEY, or POLYMARKET_HTTP_BEHIND_TLS_PROXY=true")
    if settings.public_url is None:
        missing.append("POLYMARKET_HTTP_PUBLIC_URL")
    if missing:
        raise ConfigurationError(
            f"{host} can be reached from other machines, so the server also needs: {'; '.join(missing)}. "
            "For this machine alone use 127.0.0.1."
        )
