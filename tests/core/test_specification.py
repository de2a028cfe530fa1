"""The names the users' specification fixes: configuration, errors and models."""

from __future__ import annotations

import dataclasses

import pytest

from polydesk.core import errors, models
from polydesk.core.errors import ConfigurationError, PolymarketAPIError
from polydesk.core.settings import Mode, PolymarketConfig, is_placeholder, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("POLYMARKET_")]:
        monkeypatch.delenv(name)


def test_the_configuration_schema_has_its_fields_and_defaults() -> None:
    fields = {field.name: field for field in dataclasses.fields(PolymarketConfig)}
    for name in ("api_key", "private_key", "clob_url", "gamma_url", "ws_url"):
        assert name in fields
    assert (fields["rate_limit"].default, fields["max_retries"].default, fields["timeout"].default) == (100, 3, 30)


def test_the_environment_variables_have_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_API_KEY", "key")
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", "0x" + "1" * 64)
    monkeypatch.setenv("POLYMARKET_API_URL", "http://127.0.0.1:1/clob/")
    monkeypatch.setenv("POLYMARKET_GAMMA_URL", "http://127.0.0.1:1/gamma")
    monkeypatch.setenv("POLYMARKET_WS_URL", "wss://ws.polymarket.com")
    settings = load_settings(mode="live")
    config = settings.polymarket_config()
    assert config.api_key is not None
    assert config.api_key.get_secret_value() == "key"
    assert config.clob_url == "http://127.0.0.1:1/clob"
    # The specification's socket does not exist; the real one is used, and said.
    assert config.ws_url == "wss://ws-subscriptions-clob.polymarket.com/ws"
    assert "does not exist" in settings.warnings[0]


@pytest.mark.parametrize("value", ["", " ", "${POLYMARKET_API_KEY}", "your_api_key", "<key>", "changeme"])
def test_placeholders_count_as_unset(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert is_placeholder(value)
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", value)
    monkeypatch.setenv("POLYMARKET_MODE", value)
    settings = load_settings()
    assert settings.private_key is None
    assert settings.mode is Mode.PAPER


def test_a_bad_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_TIMEOUT", "secret-value")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "POLYMARKET_TIMEOUT" in caught.value.message
    assert "secret-value" not in caught.value.message


def test_secrets_do_not_show_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", "0x" + "ab" * 32)
    settings = load_settings()
    assert "abab" not in repr(settings)
    assert "mode=paper does not use it" in settings.warnings[0]


@pytest.mark.parametrize(
    ("name", "parent"),
    [
        ("RateLimitError", "PolymarketAPIError"),
        ("OrderError", "PolymarketAPIError"),
        ("MarketClosedError", "OrderError"),
        ("InsufficientBalance", "OrderError"),
        ("OrderNotFound", "OrderError"),
        ("RiskRefused", "InputRejected"),
        ("CircuitOpen", "VenueUnavailable"),
        ("OutcomeUnknown", "PolymarketAPIError"),
        ("UnexpectedPayload", "PolymarketAPIError"),
    ],
)
def test_the_errors_form_one_tree(name: str, parent: str) -> None:
    error = getattr(errors, name)
    assert getattr(errors, parent) in error.__mro__
    assert issubclass(error, PolymarketAPIError)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (models.Market, {"id", "question", "outcomes", "end_date", "liquidity", "volume"}),
        (models.OrderBook, {"market_id", "token_id", "bids", "asks", "timestamp"}),
        (models.Order, {"id", "market_id", "side", "price", "size", "status"}),
        (models.Trade, {"id", "order_id", "price", "size", "timestamp"}),
    ],
)
def test_the_models_have_their_fields(model: type, fields: set[str]) -> None:
    assert fields <= {field.name for field in dataclasses.fields(model)}


def test_strategies_have_the_two_methods_and_the_news_strategy_its_arguments() -> None:
    import inspect

    from polydesk.core.strategies.news_sentiment import NewsSentimentStrategy
    from polydesk.core.strategies.strategy import PolymarketStrategy

    assert issubclass(NewsSentimentStrategy, PolymarketStrategy)
    assert inspect.iscoroutinefunction(PolymarketStrategy.analyze_market)
    assert inspect.iscoroutinefunction(PolymarketStrategy.execute_trade)
    assert "news_source" in inspect.signature(NewsSentimentStrategy).parameters
    assert list(inspect.signature(NewsSentimentStrategy.analyze_market).parameters) == [
        "self",
        "market",
        "related_news",
    ]
