"""What the desk talks about: markets, books, orders, trades, positions. Frozen, exact, without I/O."""

from .event import Event
from .market import Market, Outcome, Resolution
from .news import NewsItem
from .order import (
    CancelResult,
    OpenOrder,
    Order,
    OrderSide,
    OrderStatus,
    OrderTicket,
    PlacementResult,
    TimeInForce,
    Trade,
    TradeStatus,
)
from .order_book import OrderBook, PriceLevel
from .position import AccountBalance, Position
from .price_history import PriceHistory, PricePoint
from .signal import TradingSignal

__all__ = [
    "AccountBalance",
    "CancelResult",
    "Event",
    "Market",
    "NewsItem",
    "OpenOrder",
    "Order",
    "OrderBook",
    "OrderSide",
    "OrderStatus",
    "OrderTicket",
    "Outcome",
    "PlacementResult",
    "Position",
    "PriceHistory",
    "PriceLevel",
    "PricePoint",
    "Resolution",
    "TimeInForce",
    "Trade",
    "TradeStatus",
    "TradingSignal",
]
