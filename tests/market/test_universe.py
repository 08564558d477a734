"""``*``, and symbols that nobody knows: what can be traded is asked once a day."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from crypto_signals.domain.errors import NoBars, SourceFailed
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import History, Wanted
from crypto_signals.market.alpaca import AlpacaBars
from crypto_signals.market.alpaca_client import AlpacaClient, Keys
from crypto_signals.market.assets import Assets, nearest
from crypto_signals.market.cache import BarCache
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.universe import is_traded
from market.samples import Row, raw, steady, utc, write
from market.servers import Script, Simulator, scripted, simulator

KEYS = Keys("key", "secret")
NOW = "2018-12-18T22:00:00"
DAY = Timeframe("1Day")


def traded(price: float, volume: float) -> list[Row]:
    """Six weeks of sessions at about ``price``, with about ``volume`` a day."""
    weeks = np.datetime64("2018-11-12") + 7 * np.arange(6)
    rows = [row for week in weeks for row in steady(str(week), 5, price=10 * price)]
    prices = [[value / 10 for value in row[1:5] if value] for row in rows]
    return [(row[0], *own, volume + at) for at, (row, own) in enumerate(zip(rows, prices, strict=True))]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    bars = {
        "AAPL": traded(170, 30_000_000),
        "CHEAP": traded(4, 30_000_000),
        "THIN": traded(170, 20_000),
        "MSFT": traded(100, 20_000_000),
    }
    path = write(tmp_path_factory.mktemp("bars") / "days.parquet", bars)
    with simulator([path], f"{NOW}Z") as stand_in:
        yield stand_in


@pytest.fixture
def trading() -> Iterator[Script]:
    with scripted() as script:
        script.says((200, [asset(name) for name in ("AAPL", "CHEAP", "THIN", "MSFT", "GONE")]))
        yield script


OPEN: list[AlpacaBars] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def asset(symbol: str, **changes: object) -> dict[str, object]:
    return {"id": "x", "class": "us_equity", "symbol": symbol, "status": "active", "tradable": True} | changes


def assets(trading: Script, home: Path, now: str = NOW) -> Assets:
    def connect() -> AlpacaClient:
        return AlpacaClient(trading.url, KEYS, first_wait_s=0.01, setting="ALPACA_TRADING_URL")

    return Assets(connect, home, lambda: utc(now))


def tradable(trading: Script, home: Path) -> tuple[str, ...]:
    with closing(assets(trading, home)) as own:
        return own.tradable(AssetClass.EQUITY)


def source(
    data: Simulator, trading: Script, home: Path, *symbols: str, everything: bool = False, now: str = NOW
) -> AlpacaBars:
    OPEN.append(
        AlpacaBars(
            data.alpaca,
            MarketCalendar(),
            symbols,
            keys=KEYS,
            first_wait_s=0.01,
            cache=BarCache(home),
            assets=assets(trading, home, now),
            everything_of=[AssetClass.EQUITY] if everything else [],
        )
    )
    return OPEN[-1]


def named(bars: AlpacaBars) -> list[str]:
    return [instrument.symbol for instrument in bars.instruments()]


def look(bars: AlpacaBars) -> History:
    return bars.history([Wanted(instrument) for instrument in bars.instruments()], DAY, utc(NOW))


def test_everything_is_what_is_worth_it(running: Simulator, trading: Script, tmp_path: Path) -> None:
    """Tradable, above 5 USD, with a median turnover above 5 million; beside what is named."""
    bars = source(running, trading, tmp_path, "BTC/USD", everything=True)
    assert named(bars) == ["BTC/USD", "AAPL", "MSFT"]
    assert trading.asked == [{"status": "active", "asset_class": "us_equity"}]
    assert sorted(look(bars).panel.symbols) == ["AAPL", "MSFT"]


def test_it_is_selected_once_a_day(running: Simulator, trading: Script, tmp_path: Path) -> None:
    """Other runs of the day ask for nothing; the next day selects again."""
    running.post("reset", None)
    for _ in range(3):
        assert named(source(running, trading, tmp_path, everything=True)) == ["AAPL", "MSFT"]
    assert (len(trading.asked), len(running.requests())) == (1, 1)
    named(source(running, trading, tmp_path, everything=True, now="2018-12-19T22:00:00"))
    assert len(trading.asked) == 2


def test_the_last_selection_stands(running: Simulator, trading: Script, tmp_path: Path) -> None:
    """On a day without the list nobody stops looking; without any list ever, the run says so."""
    named(source(running, trading, tmp_path / "a", everything=True))
    trading.says((500, "<html>"))
    later = "2018-12-19T22:00:00"
    assert named(source(running, trading, tmp_path / "a", everything=True, now=later)) == ["AAPL", "MSFT"]
    with pytest.raises(NoBars, match="cannot be selected: Alpaca failed"):
        named(source(running, trading, tmp_path / "b", everything=True, now=later))


def test_no_list_is_no_selection(running: Simulator, trading: Script, tmp_path: Path) -> None:
    """Where Alpaca lists nothing, nobody stops looking in silence, and it is asked again on the same day."""
    trading.says((200, []))
    with pytest.raises(NoBars, match="of 0 that Alpaca lists"):
        named(source(running, trading, tmp_path, everything=True))
    trading.says((200, [asset("AAPL")]))
    assert named(source(running, trading, tmp_path, everything=True)) == ["AAPL"]
    trading.says((200, []))
    later = "2018-12-19T22:00:00"
    assert named(source(running, trading, tmp_path, everything=True, now=later)) == ["AAPL"]


def test_assets_of_any_shape(trading: Script, tmp_path: Path) -> None:
    """Unknown fields and values are no reason to fail; what is not clearly tradable is left out."""
    novel = asset("AAPL", exchange="NOVEL")
    closed = (asset("HALT", tradable=False), asset("OLD", status="inactive"))
    odd = ({"symbol": "X"}, "nonsense", {"symbol": 7, "tradable": True}, {"symbol": "B", "tradable": True})
    trading.says((200, [novel, *closed, *odd]))
    assert tradable(trading, tmp_path) == ("AAPL", "B")
    trading.says((200, {"message": "no"}))
    with pytest.raises(SourceFailed, match="no list"):
        tradable(trading, tmp_path / "other")


DAMAGED = [
    *("", "{", "[]", "[" * 100_000, '{"day": "2018-12-18"}'),
    *(f'{{"symbols": {symbols}, "day": "2018-12-18"}}' for symbols in ("7", '"AAPL"', '["AAPL", null]')),
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_list_is_asked_for_again(trading: Script, tmp_path: Path, content: str) -> None:
    """And replaced by a good one."""
    path = tmp_path / "assets-equity.json"
    path.write_text(content)
    assert len(tradable(trading, tmp_path)) == 5
    assert json.loads(path.read_text())["day"] == "2018-12-18"


def test_a_misspelt_symbol_is_named_with_the_nearest(
    running: Simulator, trading: Script, tmp_path: Path
) -> None:
    """Of those that can be traded; a symbol that resembles none stays as it was said."""
    history = look(source(running, trading, tmp_path, "AAPL", "APPL", "ZZZZZ"))
    said = {error.symbol: error.error for error in history.errors}
    assert said["APPL"] == "Alpaca has no completed bars of it; check the symbol; the nearest known: AAPL"
    assert said["ZZZZZ"] == "Alpaca has no completed bars of it; check the symbol"


def test_without_a_list_the_nearest_has_bars(running: Simulator) -> None:
    """Without keys there is no list of what can be traded."""
    bars = AlpacaBars(running.alpaca, MarketCalendar(), ["MSFT", "MFST"], keys=KEYS, first_wait_s=0.01)
    OPEN.append(bars)
    (error,) = look(bars).errors
    assert error.error.endswith("the nearest known: MSFT")


def test_a_known_symbol_is_not_misspelt() -> None:
    """It is not advised to write it as it is."""
    assert nearest("BTC/USD", ["BTC/USD", "BCH/USD"]) == []


def test_a_pair_is_near_by_what_is_bought() -> None:
    """That two pairs are both quoted in dollars makes them no more alike."""
    assert nearest("ETHH/USD", ["BTC/USD", "ETH/USD", "ETHH"]) == ["ETH/USD"]
    assert nearest("AV/USD", ["NO/USD"]) == []


@pytest.mark.parametrize(
    ("rows", "is_it"),
    [
        (traded(6, 1_000_000), True),
        (traded(4, 10_000_000), False),
        (traded(100, 49_000), False),
        (traded(100, 60_000)[:19], False),
        (traded(4, 10_000_000)[:20] + traded(6, 10_000_000)[20:], True),
    ],
)
def test_what_is_traded_enough(rows: Sequence[Row], is_it: bool) -> None:
    """By the last close and the median of 20 days; with fewer days nobody knows."""
    assert is_traded(raw(rows)) is is_it
