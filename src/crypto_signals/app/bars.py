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
THE_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
THE_END = datetime(9999, 1, 1, tzinfo=UTC)


def bar_source(settings: Settings, calendar: MarketCalendar, patience: Patience) -> BarSource:
    """Bars from Alpaca, or from the files that ``BARS_URL`` names."""
    kind, _, paths = settings.bars_url.partition(":")
    if kind == "file":
        return _file_bars([Path(path) for path in split(paths)], settings, calendar)
    from crypto_signals.market.alpaca import AlpacaBars  # noqa: PLC0415 - loads the HTTP client
    from crypto_signals.market.alpaca_client import Keys  # noqa: PLC0415
    from crypto_signals.market.cache import BarCache  # noqa: PLC0415
    from crypto_signals.market.pace import Pace  # noqa: PLC0415

    symbols = (*_chosen(settings.crypto_symbols, DEFAULT_CRYPTO), *_equities(settings, ()))
    key, secret = settings.alpaca_api_key, settings.alpaca_secret_key
    keys = Keys(key.get_secret_value(), secret.get_secret_value()) if key and secret else None
    return AlpacaBars(
        settings.alpaca_data_url,
        calendar,
        symbols,
        keys=keys,
        feed=settings.alpaca_data_feed,
        pace=Pace(settings.rate_limit_per_minute, settings.rate_limit_delay, patience.wait),
        cache=BarCache(settings.sentinel_home / "bars"),
    )


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
    setting: str | None, default: tuple[str, ...], everything: tuple[str, ...] = ("*",)
) -> tuple[str, ...]:
    if setting is None:
        return default
    return everything if "*" in split(setting) else split(setting)


def _equities(
    settings: Settings, default: tuple[str, ...], everything: tuple[str, ...] = ("*",)
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
