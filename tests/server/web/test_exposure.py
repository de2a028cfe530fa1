"""Which addresses may be served, and what is needed for those that others can reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from polydesk.core.errors import ConfigurationError
from polydesk.server.web.settings import HttpSettings, check_exposure, check_tls, load_http_settings
from tests.support.certificates import self_signed

ENOUGH = {"public_url": "https://desk.example", "behind_tls_proxy": True}


def settings(**values: object) -> HttpSettings:
    return HttpSettings(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_this_machine_needs_nothing(host: str) -> None:
    check_exposure(host, settings(), has_authentication=False)


@pytest.mark.parametrize(
    ("missing", "authentication", "named"),
    [
        ({}, False, "polydesk tokens add"),
        ({"public_url": None}, True, "POLYMARKET_HTTP_PUBLIC_URL"),
        ({"behind_tls_proxy": False}, True, "POLYMARKET_HTTP_TLS_CERTIFICATE"),
    ],
)
def test_other_addresses_need_authentication_tls_and_a_name(
    missing: dict[str, object], authentication: bool, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        check_exposure("0.0.0.0", settings(**(ENOUGH | missing)), has_authentication=authentication)
    check_exposure("0.0.0.0", settings(**ENOUGH), has_authentication=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://desk.example"),
        ("OAUTH_ISSUER", "http://login.example"),
        ("OAUTH_JWKS_URL", "https://user:pw@login.example/keys"),
        ("PUBLIC_URL", "desk.example"),
        ("CALLS_PER_MINUTE", "none"),
    ],
)
def test_addresses_in_the_clear_and_nonsense_are_refused_by_name_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"POLYMARKET_HTTP_{name}", value)
    with pytest.raises(ConfigurationError, match=f"POLYMARKET_HTTP_{name}") as refused:
        load_http_settings()
    assert value not in refused.value.message


def test_a_certificate_comes_with_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POLYMARKET_HTTP_TLS_CERTIFICATE", str(tmp_path / "cert.pem"))
    with pytest.raises(ConfigurationError, match="go together"):
        load_http_settings()


def test_a_certificate_that_cannot_be_served_with_is_refused_before_anything_listens(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    check_tls(settings(tls_certificate=certificate, tls_key=key))
    sealed = tmp_path / "sealed.pem"
    sealed.write_bytes(
        load_pem_private_key(key.read_bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
        )
    )
    for bad in (tmp_path / "missing.pem", certificate, sealed):
        with pytest.raises(ConfigurationError, match="TLS_CERTIFICATE"):
            check_tls(settings(tls_certificate=certificate, tls_key=bad))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_tls_key_that_others_may_read_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    certificate, key = self_signed(tmp_path)
    key.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"open to other users.*chmod 600 {key}"):
        check_tls(settings(tls_certificate=certificate, tls_key=key))
