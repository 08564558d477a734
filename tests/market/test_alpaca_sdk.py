"""Alpaca's own SDK as the referee: it works against the stand-in, and reads the same bars as we do."""

import importlib.util
import json
import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto_signals.analysis.panel import Series
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.engine.ports import Wanted
from crypto_signals.market.alpaca import AlpacaBars
from crypto_signals.market.alpaca_client import Keys
from crypto_signals.market.calendars import MarketCalendar
from e2e.program import CRYPTO, EQUITY, REAL_DATA
from simulator.simulator_fixtures import DiscordSimulator, running_simulator

if importlib.util.find_spec("alpaca") is None and "CI" not in os.environ:
    pytest.skip("needs alpaca-py, which make test installs", allow_module_level=True)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the websockets that the SDK is written for
    from alpaca.common.exceptions import APIError
    from alpaca.data import requests as ask
    from alpaca.data.enums import Adjustment, DataFeed
    from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
    from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
    from alpaca.data.timeframe import TimeFrame
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import AssetClass
    from alpaca.trading.requests import GetAssetsRequest, GetCalendarRequest


NOW = "2018-12-20T00:05:00Z"
START = datetime(2018, 10, 1, tzinfo=UTC)
END = datetime(2018, 12, 19, 23, 30, tzinfo=UTC)
COINS = ["BTC/USD", "ETH/USD"]
STOCKS = ["SPY", "TSLA"]


@pytest.fixture(scope="module")
def alpaca() -> Iterator[DiscordSimulator]:
    with running_simulator(bars=[CRYPTO, EQUITY], now=NOW) as simulator:
        yield simulator


@pytest.fixture
def coins(alpaca: DiscordSimulator) -> CryptoHistoricalDataClient:
    return CryptoHistoricalDataClient(url_override=alpaca.alpaca_data_url)


@pytest.fixture
def stocks(alpaca: DiscordSimulator) -> StockHistoricalDataClient:
    return StockHistoricalDataClient("key", "secret", url_override=alpaca.alpaca_data_url)


@pytest.fixture
def trading(alpaca: DiscordSimulator) -> TradingClient:
    return TradingClient("key", "secret", paper=True, url_override=alpaca.alpaca_trading_url)


def ours(
    alpaca: DiscordSimulator, symbols: list[str], feed: str = "auto"
) -> dict[str, list[tuple[object, ...]]]:
    """What the program's own source of bars reads."""
    keys = Keys("key", "secret")
    source = AlpacaBars(alpaca.alpaca_data_url, MarketCalendar(), symbols, keys=keys, feed=feed)
    try:
        wanted = [Wanted(Instrument.of(symbol), START) for symbol in symbols]
        panel = source.history(wanted, Timeframe("1Day"), datetime.fromisoformat(NOW)).panel
    finally:
        source.close()
    return {series.symbol: rows_of(series) for series in panel}


def rows_of(series: Series) -> list[tuple[object, ...]]:
    days = [str(ts)[:10] for ts in series.ts]
    columns = (series.open, series.high, series.low, series.close, series.volume)
    return list(zip(days, *(column.tolist() for column in columns), strict=True))


def theirs(bars: dict[str, list[Any]]) -> dict[str, list[tuple[object, ...]]]:
    """The SDK's models in the same form."""
    return {
        symbol: [
            (f"{bar.timestamp:%Y-%m-%d}", bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in its
        ]
        for symbol, its in bars.items()
    }


def test_the_sdk_reads_the_coins_that_we_read(
    alpaca: DiscordSimulator, coins: CryptoHistoricalDataClient
) -> None:
    """Bar by bar and field by field."""
    request = CryptoBarsRequest(symbol_or_symbols=COINS, timeframe=TimeFrame.Day, start=START, end=END)
    read = theirs(coins.get_crypto_bars(request).data)
    assert read == ours(alpaca, COINS)
    assert [len(read[symbol]) for symbol in COINS] == [80, 80]


@pytest.mark.parametrize("feed", ["sip", "iex"])
def test_the_sdk_reads_the_stocks_that_we_read(
    alpaca: DiscordSimulator, stocks: StockHistoricalDataClient, feed: str
) -> None:
    """On each feed, which differ."""
    request = StockBarsRequest(
        symbol_or_symbols=STOCKS,
        timeframe=TimeFrame.Day,
        start=START,
        end=END,
        feed=DataFeed(feed),
        adjustment=Adjustment.SPLIT,
    )
    read = theirs(stocks.get_stock_bars(request).data)
    assert read == ours(alpaca, STOCKS, feed)
    assert read != ours(alpaca, STOCKS, "iex" if feed == "sip" else "sip")
    assert [len(read[symbol]) for symbol in STOCKS] == [56, 56]


def test_the_sdk_reads_splits() -> None:
    """Real raw bars around NVDA's split of 2024-06-10: before it they are a tenth, once it has come."""
    raw = REAL_DATA / "dev" / "equity_daily_raw_splits.parquet"
    if not raw.exists():
        pytest.skip("needs ../shared/data")

    with running_simulator(bars=[raw], now="2024-06-11T00:00:00Z") as simulator:
        sdk = StockHistoricalDataClient("key", "secret", url_override=simulator.alpaca_data_url)
        request = StockBarsRequest(
            symbol_or_symbols="NVDA",
            timeframe=TimeFrame.Day,
            start=datetime(2024, 6, 6, tzinfo=UTC),
            adjustment=Adjustment.SPLIT,
        )
        closes = [bar.close for bar in sdk.get_stock_bars(request).data["NVDA"]]
    assert closes == [120.998, 120.888, 121.79]


def test_the_sdk_reads_the_newest_values(
    stocks: StockHistoricalDataClient, coins: CryptoHistoricalDataClient
) -> None:
    """Bars, trades, quotes and snapshots fit its models."""
    stock, coin = {"symbol_or_symbols": "SPY"}, {"symbol_or_symbols": "BTC/USD"}
    bar = stocks.get_stock_latest_bar(ask.StockLatestBarRequest(**stock))["SPY"]
    trade = stocks.get_stock_latest_trade(ask.StockLatestTradeRequest(**stock))["SPY"]
    quote = stocks.get_stock_latest_quote(ask.StockLatestQuoteRequest(**stock))["SPY"]
    snapshot = stocks.get_stock_snapshot(ask.StockSnapshotRequest(**stock))["SPY"]
    assert quote.bid_price < trade.price == bar.close == snapshot.daily_bar.close < quote.ask_price
    coin_bar = coins.get_crypto_latest_bar(ask.CryptoLatestBarRequest(**coin))["BTC/USD"]
    coin_trade = coins.get_crypto_latest_trade(ask.CryptoLatestTradeRequest(**coin))["BTC/USD"]
    coin_quote = coins.get_crypto_latest_quote(ask.CryptoLatestQuoteRequest(**coin))["BTC/USD"]
    coin_snapshot = coins.get_crypto_snapshot(ask.CryptoSnapshotRequest(**coin))["BTC/USD"]
    assert coin_quote.bid_price < coin_trade.price == coin_bar.close < coin_quote.ask_price
    assert coin_snapshot.previous_daily_bar.timestamp == datetime(2018, 12, 19, tzinfo=UTC)


def test_the_sdk_reads_assets_calendar_clock_and_account(trading: TradingClient) -> None:
    """All that the trading host tells fits its models."""
    crypto = GetAssetsRequest(asset_class=AssetClass.CRYPTO)
    assert [asset.symbol for asset in trading.get_all_assets(crypto)] == ["BTC/USD", "ETH/USD", "LTC/USD"]
    assert trading.get_asset("SPY").tradable
    days = trading.get_calendar(GetCalendarRequest(start=START.date(), end=END.date()))
    assert len(days) == 56
    clock = trading.get_clock()
    assert (clock.is_open, clock.next_close.hour) == (False, 16)
    assert trading.get_account().status == "ACTIVE"


def test_the_sdk_understands_a_refusal(stocks: StockHistoricalDataClient) -> None:
    """Its error names the plan, with the code in the body and the status beside it."""
    end = datetime.fromisoformat(NOW)
    request = StockBarsRequest(
        symbol_or_symbols="SPY", timeframe=TimeFrame.Day, start=START, end=end, feed=DataFeed.SIP
    )
    with pytest.raises(APIError) as refused:
        stocks.get_stock_bars(request)
    assert (refused.value.status_code, refused.value.code) == (403, 42210000)
    assert "subscription" in json.loads(str(refused.value))["message"]
