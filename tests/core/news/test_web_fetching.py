"""What may be fetched from the web, and what is refused."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from polydesk.core.news.news_source import NewsSourceFailed
from polydesk.core.news.web_fetching import FetchRules, Validators, WebFetcher, is_public

from .conftest import OpenFetcher, Site


async def test_a_page_comes_with_its_validators_and_is_asked_for_by_its_name(site: Site, fetcher: OpenFetcher) -> None:
    site.put("/a?b=c", "hello", headers='ETag: "v1"\r\nLast-Modified: Mon, 01 Jun 2026 00:00:00 GMT\r\n')
    async with fetcher() as web:
        document = await web.get(f"{site.url}/a?b=c")
    assert document.body == b"hello"
    assert document.validators == Validators('"v1"', "Mon, 01 Jun 2026 00:00:00 GMT")
    assert f"host: news.test:{site.port}" in site.asked[0]


async def test_what_has_not_changed_is_not_sent_again(site: Site, fetcher: OpenFetcher) -> None:
    async with fetcher() as web:
        document = await web.get(f"{site.url}/a", validators=Validators('"v1"', "yesterday"))
    assert document.body is None
    assert 'if-none-match: "v1"' in site.asked[0]
    assert "if-modified-since: yesterday" in site.asked[0]


async def test_redirects_are_followed_within_the_hosts(site: Site, fetcher: OpenFetcher) -> None:
    site.put("/old", status="301 Moved", headers="Location: /new\r\n")
    site.put("/new", "here")
    site.put("/away", status="302 Found", headers="Location: http://elsewhere.test/x\r\n")
    site.put("/round", status="302 Found", headers="Location: /round\r\n")
    site.put("/broken", status="302 Found", headers="Location: http://[\r\n")
    async with fetcher() as web:
        assert (await web.get(f"{site.url}/old")).body == b"here"
        with pytest.raises(NewsSourceFailed, match=r"elsewhere\.test was not asked"):
            await web.get(f"{site.url}/away")
        with pytest.raises(NewsSourceFailed, match="more than 3 times"):
            await web.get(f"{site.url}/round")
        with pytest.raises(NewsSourceFailed, match="could not be read"):
            await web.get(f"{site.url}/broken")


async def test_a_redirect_into_a_private_network_is_not_followed(site: Site) -> None:
    site.put("/", status="302 Found", headers=f"Location: http://inside.news.test:{site.port}/secret\r\n")
    site.put("/secret", "must not be read")
    addresses = {"news.test": ["127.0.0.1"], "inside.news.test": ["10.0.0.7"]}

    async def resolve(host: str, port: int) -> list[str]:
        return addresses[host]

    rules = FetchRules(
        hosts=frozenset({"news.test"}),
        schemes=frozenset({"http"}),
        may_connect=lambda address: address == "127.0.0.1" or is_public(address),
    )
    async with WebFetcher(rules, resolve=resolve) as web:
        with pytest.raises(NewsSourceFailed, match="not public"):
            await web.get(f"{site.url}/")
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://news.test/", "only https is"),
        ("file:///etc/passwd", "only https is"),
        ("https://evil-news.test/", "none of the hosts"),
        ("https://user:word@news.test/", "holds a password"),
        ("https://news.test:99999/", "cannot be read"),
        ("https://news.test/", "not public"),
    ],
)
async def test_what_may_not_be_asked_is_refused_before_anything_is_sent(url: str, reason: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "192.168.1.1"]

    async with WebFetcher(FetchRules(hosts=frozenset({"news.test"})), resolve=resolve) as web:
        with pytest.raises(NewsSourceFailed, match=reason):
            await web.get(url)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_is_read_only_up_to_its_cap_also_when_it_is_packed(
    site: Site, fetcher: OpenFetcher, packed: bool
) -> None:
    body = b"x" * 300_000
    site.put("/", gzip.compress(body) if packed else body, headers="Content-Encoding: gzip\r\n" if packed else "")
    async with fetcher(most_bytes=100_000) as web:
        with pytest.raises(NewsSourceFailed, match="more than 100,000 bytes"):
            await web.get(f"{site.url}/")


async def test_silence_refusals_and_nobody_there_are_told(site: Site, fetcher: OpenFetcher) -> None:
    async with fetcher(timeout_s=0.2) as web:
        with pytest.raises(NewsSourceFailed, match=r"did not answer within 0\.2 s"):
            await web.get(f"{site.url}/silence")
        with pytest.raises(NewsSourceFailed, match="answered 404"):
            await web.get(f"{site.url}/nothing")
        with pytest.raises(NewsSourceFailed, match="could not be read"):
            await web.get("http://news.test:1/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "ff02::1",
    ],
)
def test_addresses_around_this_machine_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


async def test_over_tls_the_certificate_must_be_that_of_the_name(tmp_path: Path) -> None:
    """The connection goes to an address, and the name is still what is proved."""
    certificate = _certificate(tmp_path, "news.test")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    site = Site()
    site.put("/", "sealed")
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    rules = FetchRules(hosts=frozenset({"news.test", "other.test"}), may_connect=lambda address: True)
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with server, WebFetcher(rules, resolve=resolve, trusted=trusted) as web:
        assert (await web.get(f"https://news.test:{port}/")).body == b"sealed"
        with pytest.raises(NewsSourceFailed, match="ConnectError"):
            await web.get(f"https://other.test:{port}/")


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(made)
        .not_valid_after(made + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "site.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
