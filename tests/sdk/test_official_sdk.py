"""The official SDK, unmodified but for its addresses, trades on the embedded exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.sdk

Steps = dict[str, dict[str, Any]]
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_credentials_are_created_for_the_owner_of_the_key(steps: Steps) -> None:
    assert steps["credentials"]["wallet"] == OWNER
    assert len(steps["credentials"]["api_key"]) == 36
    assert steps["balance"]["micro_usd"] == 1_000_000_000


def test_market_book_and_midpoint_agree(steps: Steps) -> None:
    book = steps["book"]
    bid, ask = Decimal(book["best_bid"]), Decimal(book["best_ask"])
    assert Decimal(book["tick"]) == Decimal(steps["market"]["tick"])
    assert 0 < bid < ask < 1
    assert Decimal(steps["midpoint"]["value"]) == (bid + ask) / 2


def test_a_limit_order_rests_until_it_is_cancelled(steps: Steps) -> None:
    order = steps["limit order"]
    assert (order["ok"], order["status"]) == (True, "live")
    price = Decimal(steps["book"]["best_bid"]) - 20 * Decimal(steps["book"]["tick"])
    (open_order,) = steps["open orders"]["orders"]
    assert open_order["id"] == order["order_id"]
    assert (Decimal(open_order["price"]), Decimal(open_order["size"])) == (price, Decimal(10))
    assert steps["cancel"] == {"canceled": [order["order_id"]], "not_canceled": {}}
    assert steps["open orders after"]["orders"] == []


def test_the_market_stream_shows_the_book_and_the_new_level(steps: Steps) -> None:
    assert steps["market stream book"]["best_ask"] == steps["book"]["best_ask"]
    price = Decimal(steps["book"]["best_bid"]) - 20 * Decimal(steps["book"]["tick"])
    assert price in [Decimal(each) for each in steps["market stream change"]["prices"]]


def test_the_user_stream_shows_the_placement_and_the_fill(steps: Steps) -> None:
    assert steps["user stream order"] == {"order_id": steps["limit order"]["order_id"], "event": "PLACEMENT"}
    assert steps["user stream trade"]["taker_order_id"] == steps["market order"]["order_id"]
    assert steps["user stream trade"]["size"] == steps["market order"]["shares"]


def test_a_market_order_fills_and_settles(steps: Steps) -> None:
    order = steps["market order"]
    assert (order["ok"], order["status"], order["paid"]) == (True, "matched", "20")
    assert len(steps["settlement"]["hashes"]) == 1
    (trade,) = steps["trades"]["trades"]
    assert (trade["order"], trade["size"], trade["status"]) == (order["order_id"], order["shares"], "CONFIRMED")
    assert steps["positions"]["positions"] == [{"asset": steps["positions"]["token"], "size": order["shares"]}]


def test_what_was_bought_can_be_sold(steps: Steps) -> None:
    sale = steps["sale"]
    assert (sale["ok"], sale["status"], sale["shares"]) == (True, "matched", "10")
    assert Decimal(sale["got"]) == 10 * Decimal(steps["book"]["best_bid"])


def test_the_sdk_understands_refusals(steps: Steps) -> None:
    assert steps["refusal: balance"]["status"] == 400
    assert "not enough balance" in steps["refusal: balance"]["message"]
    assert "crosses book" in steps["refusal: post only"]["message"]
