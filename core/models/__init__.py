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
from .price_history import Candle, PriceHistory, PricePoint
from .signal import TradingSignal
from .wallet import Holder, Standing

__all__ = [
    "AccountBalance",
    "CancelResult",
    "Candle",
    "Event",
    "Holder",
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
    "Standing",
    "TimeInForce",
    "Trade",
    "TradeStatus",
    "TradingSignal",
]
