"""Where bars come from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from crypto_signals.config import Settings, split
from crypto_signals.domain.errors import NoBars, UsageError
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import BarSource, History, Patience, Wanted
from crypto_signals.market.calendars import MarketCalendar

DEFAULT_CRYPTO = ("BTC/USD", "ETH/USD", "LTC/USD", "SOL/USD", "LINK/USD", "AVAX/USD")
EVERYTHING = "*"
THE_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
THE_END = datetime(9999, 1, 1, tzinfo=UTC)


def bar_source(
    settings: Settings, calendar: MarketCalendar, patience: Patience, *, cached: bool = False
) -> BarSource:
    """Bars from Alpaca, or from the files that ``BARS_URL`` names. Only who holds the state folder may use
    the ``cached`` ones."""
    kind, _, paths = settings.bars_url.partition(":")
    if kind == "file":
        return _file_bars([Path(path) for path in split(paths)], settings, calendar)
    return _alpaca_bars(settings, calendar, patience, cached=cached)


def _alpaca_bars(
    settings: Settings, calendar: MarketCalendar, patience: Patience, *, cached: bool
) -> BarSource:
    """Both hosts share one pace: their limits are those of the account."""
    from crypto_signals.market.alpaca import AlpacaBars  # noqa: PLC0415 - loads the HTTP client
    from crypto_signals.market.alpaca_client import AlpacaClient, Keys  # noqa: PLC0415
    from crypto_signals.market.assets import Assets  # noqa: PLC0415
    from crypto_signals.market.cache import BarCache  # noqa: PLC0415
    from crypto_signals.market.pace import Pace  # noqa: PLC0415

    chosen = {
        AssetClass.CRYPTO: _chosen(settings.crypto_symbols, DEFAULT_CRYPTO),
        AssetClass.EQUITY: _equities(settings, ()),
    }
    key, secret = settings.alpaca_api_key, settings.alpaca_secret_key
    keys = Keys(key.get_secret_value(), secret.get_secret_value()) if key and secret else None
    pace = Pace(settings.rate_limit_per_minute, settings.rate_limit_delay, patience.wait)
    kept = settings.sentinel_home / "bars"
    assets = None
    if keys is not None:
        assets = Assets(
            lambda: AlpacaClient(trading_url(settings), keys, pace=pace, setting="ALPACA_TRADING_URL"),
            kept,
            lambda: settings.sentinel_now or datetime.now(UTC),
        )
    return AlpacaBars(
        settings.alpaca_data_url,
        calendar,
        [symbol for symbols in chosen.values() for symbol in symbols if symbol != EVERYTHING],
        keys=keys,
        feed=settings.alpaca_data_feed,
        pace=pace,
        cache=BarCache(kept) if cached else None,
        assets=assets,
        everything_of=[kind for kind, symbols in chosen.items() if EVERYTHING in symbols],
    )


def trading_url(settings: Settings) -> str:
    """Alpaca's trading API; paper and live accounts have each their own."""
    own = (
        "https://paper-api.alpaca.markets" if settings.alpaca_paper_trading else "https://api.alpaca.markets"
    )
    return settings.alpaca_trading_url or own


def _file_bars(paths: list[Path], settings: Settings, calendar: MarketCalendar) -> BarSource:
    """Without any symbols set, all that the files hold; ``*`` is all of one asset class."""
    from crypto_signals.market.file_source import FileBars  # noqa: PLC0415 - loads pyarrow

    source = FileBars(paths, calendar)
    held_there = source.instruments()
    crypto = tuple(i.symbol for i in held_there if i.asset_class is AssetClass.CRYPTO)
    equity = tuple(i.symbol for i in held_there if i.asset_class is AssetClass.EQUITY)
    nothing_set = settings.crypto_symbols is None and settings.equity_symbols is None
    source.limit_to(
        (
            *_chosen(settings.crypto_symbols, crypto if nothing_set else (), everything=crypto),
            *_equities(settings, equity if nothing_set else (), everything=equity),
        )
    )
    if not source.instruments():
        raise UsageError("CRYPTO_SYMBOLS, EQUITY_SYMBOLS, ENABLE_EQUITIES leave no symbol of the bars files")
    return source


def _chosen(
    setting: str | None, default: tuple[str, ...], everything: tuple[str, ...] = (EVERYTHING,)
) -> tuple[str, ...]:
    if setting is None:
        return default
    return everything if EVERYTHING in split(setting) else split(setting)


def _equities(
    settings: Settings, default: tuple[str, ...], everything: tuple[str, ...] = (EVERYTHING,)
) -> tuple[str, ...]:
    return _chosen(settings.equity_symbols, default, everything) if settings.enable_equities else ()


def file_history(paths: Sequence[Path], timeframe: str, symbols: Sequence[str] | None = None) -> History:
    """Every bar of the files, all of which count as completed.

    Raises ``UsageError`` for files that cannot be used or hold no valid bar.
    """
    from crypto_signals.market.file_source import FileBars  # noqa: PLC0415 - loads pyarrow

    source = FileBars(paths, MarketCalendar(), symbols)
    wanted = [Wanted(instrument, THE_BEGINNING) for instrument in source.instruments()]
    try:
        return source.history(wanted, timeframe_of(timeframe), THE_END)
    except NoBars as error:
        raise UsageError(str(error)) from None


def timeframe_of(name: str) -> Timeframe:
    try:
        return Timeframe(name)
    except ValueError as error:
        raise UsageError(str(error)) from None
