"""Alpaca's bars, from a file, up to a virtual now."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from simulator_fixtures import DiscordSimulator, running_simulator

KEYS = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}
NOW = "2018-12-31T12:00:00Z"


def rows(symbol: str, start: datetime, step: timedelta, count: int) -> Iterator[dict[str, Any]]:
    for n in range(count):
        prices = {"open": 10.0 + n, "high": 12.0 + n, "low": 9.0 + n, "close": 11.0 + n}
        yield {"symbol": symbol, "ts": start + n * step, "volume": float(n) + 0.5 * ("/" in symbol)} | prices


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiscordSimulator]:
    """Ten days of two coins and a stock around a change of New York's clocks, and a day of hours."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    daily = itertools.chain(
        rows("ETH/USD", datetime(2018, 12, 25, tzinfo=UTC), day, 10),
        rows("BTC/USD", datetime(2018, 12, 25, tzinfo=UTC), day, 10),
        rows("SPY", datetime(2018, 11, 1, tzinfo=UTC), day, 10),
    )
    hourly = rows("BTC/USD", datetime(2018, 12, 31, tzinfo=UTC), hour, 24)
    paths = []
    for name, table in (("daily", list(daily)), ("hourly", list(hourly))):
        paths.append(tmp_path_factory.mktemp("bars") / f"{name}.parquet")
        pq.write_table(pa.Table.from_pylist(table), paths[-1])
    with running_simulator(bars=paths, now=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(simulator: DiscordSimulator) -> None:
    simulator.reset()


def crypto(simulator: DiscordSimulator, **params: str) -> httpx.Response:
    query = {"symbols": "BTC/USD", "timeframe": "1Day", "start": "2018-12-25"} | params
    return simulator.client.get(f"{simulator.alpaca_data_url}/v1beta3/crypto/us/bars", params=query)


def stocks(simulator: DiscordSimulator, headers: dict[str, str] = KEYS, **params: str) -> httpx.Response:
    query = {"symbols": "SPY", "timeframe": "1Day", "start": "2018-11-01"} | params
    return simulator.client.get(f"{simulator.alpaca_data_url}/v2/stocks/bars", params=query, headers=headers)


def stamps(response: httpx.Response) -> dict[str, list[str]]:
    return {symbol: [bar["t"][:10] for bar in bars] for symbol, bars in response.json()["bars"].items()}


def test_a_bar_has_alpacas_fields(simulator: DiscordSimulator) -> None:
    """A coin's volume is a float, a stock's an integer; without volume there are no trades."""
    first, second = crypto(simulator, end="2018-12-26").json()["bars"]["BTC/USD"]
    assert first == {"t": "2018-12-25T00:00:00Z", "o": 10, "h": 12, "l": 9, "c": 11, "v": 0.5, "n": 1} | {
        "vw": first["vw"]
    }
    assert second["o"] == 11
    quiet = stocks(simulator).json()["bars"]["SPY"][0]
    assert (quiet["v"], quiet["n"], quiet["vw"]) == (0, 0, 0)
    assert isinstance(quiet["v"], int)


def test_pages_go_by_symbol_then_by_time_and_count_all_bars(simulator: DiscordSimulator) -> None:
    """Following the token gives every bar once; a page may hold only the first symbol."""
    pages, token = [], ""
    while token is not None:
        response = crypto(simulator, symbols="ETH/USD,BTC/USD", limit="5", page_token=token)
        pages.append(stamps(response))
        token = response.json()["next_page_token"]
    whole = stamps(crypto(simulator, symbols="ETH/USD,BTC/USD"))
    assert [list(page) for page in pages] == [["BTC/USD"], ["BTC/USD", "ETH/USD"], ["ETH/USD"]]
    joined = {name: [day for page in pages for day in page.get(name, [])] for name in whole}
    assert joined == whole
    assert list(whole) == ["BTC/USD", "ETH/USD"]


def test_descending_pages_give_the_newest_bars_first(simulator: DiscordSimulator) -> None:
    """The token continues downwards."""
    first = crypto(simulator, sort="desc", limit="4")
    rest = crypto(simulator, sort="desc", page_token=first.json()["next_page_token"])
    both = stamps(first)["BTC/USD"] + stamps(rest)["BTC/USD"]
    assert both == sorted(stamps(crypto(simulator))["BTC/USD"], reverse=True)
    assert rest.json()["next_page_token"] is None


def test_start_and_end_are_inclusive(simulator: DiscordSimulator) -> None:
    """A bar that opens exactly at the end is served."""
    response = crypto(simulator, start="2018-12-26T00:00:00Z", end="2018-12-27T00:00:00Z")
    assert stamps(response) == {"BTC/USD": ["2018-12-26", "2018-12-27"]}


def test_the_forming_bar_is_served_and_the_future_is_not(simulator: DiscordSimulator) -> None:
    """A bar appears when it opens, at the virtual now, whatever end was asked for."""
    assert stamps(crypto(simulator, end="2019-06-01"))["BTC/USD"][-1] == "2018-12-31"
    simulator.clock("2018-12-30T23:59:59Z")
    assert stamps(crypto(simulator))["BTC/USD"][-1] == "2018-12-30"
    simulator.clock("2018-12-31T00:00:00Z")
    assert stamps(crypto(simulator))["BTC/USD"][-1] == "2018-12-31"


def test_without_a_start_only_the_current_day_is_served(simulator: DiscordSimulator) -> None:
    """The default window is today so far."""
    hours = crypto(simulator, timeframe="1Hour", start="").json()["bars"]["BTC/USD"]
    assert [hours[0]["t"], hours[-1]["t"], len(hours)] == ["2018-12-31T00:00:00Z", NOW, 13]


def test_a_symbol_without_bars_is_absent(simulator: DiscordSimulator) -> None:
    """Unknown symbols, empty windows and timeframes without a file give no key at all."""
    assert list(crypto(simulator, symbols="BTC/USD,NOPE/USD").json()["bars"]) == ["BTC/USD"]
    assert crypto(simulator, start="2019-01-02").json() == {"bars": {}, "next_page_token": None}
    assert crypto(simulator, timeframe="5Min").json()["bars"] == {}


def test_days_of_stocks_are_stamped_at_new_yorks_midnight(simulator: DiscordSimulator) -> None:
    """04:00Z in summer and 05:00Z in winter, on the file's own dates; coins stay at 00:00Z."""
    bars = stocks(simulator).json()["bars"]["SPY"]
    hours = {bar["t"][:10]: bar["t"][11:] for bar in bars}
    assert (hours["2018-11-04"], hours["2018-11-05"]) == ("04:00:00Z", "05:00:00Z")
    assert len(hours) == 10
    assert {bar["t"][11:] for bar in crypto(simulator).json()["bars"]["BTC/USD"]} == {"00:00:00Z"}


@pytest.mark.parametrize("headers", [{}, {"APCA-API-KEY-ID": "key"}])
def test_stocks_need_keys(simulator: DiscordSimulator, headers: dict[str, str]) -> None:
    """403 with Alpaca's own words; crypto is open to everybody."""
    response = stocks(simulator, headers=headers)
    assert (response.status_code, response.json()) == (403, {"message": "forbidden."})


@pytest.mark.parametrize(
    "params",
    [
        {"symbols": "BTCUSD"},
        {"symbols": "btc/usd"},
        {"symbols": ""},
        {"timeframe": "60Min"},
        {"timeframe": ""},
        {"limit": "0"},
        {"limit": "10001"},
        {"sort": "up"},
        {"start": "yesterday"},
        {"start": "2018-12-25T00:00:00"},
        {"page_token": "nonsense"},
    ],
)
def test_bad_parameters_are_refused(simulator: DiscordSimulator, params: dict[str, str]) -> None:
    """400 with a message."""
    response = crypto(simulator, **params)
    assert (response.status_code, list(response.json())) == (400, ["message"])


def test_a_crypto_symbol_without_a_slash_is_named(simulator: DiscordSimulator) -> None:
    """The message says which symbol and which pattern, as Alpaca's does."""
    message = crypto(simulator, symbols="BTC/USD,ETHUSD").json()["message"]
    assert message == "Invalid symbol(s): ETHUSD does not match ^[A-Z]+/[A-Z]+$"


@pytest.mark.parametrize("params", [{"feed": "cheap"}, {"adjustment": "all,some"}, {"symbols": "BTC/USD"}])
def test_bad_parameters_of_stocks_are_refused(simulator: DiscordSimulator, params: dict[str, str]) -> None:
    """Feeds, adjustments and symbols are checked."""
    assert stocks(simulator, **params).status_code == 400
    assert stocks(simulator, feed="iex", adjustment="split,dividend").status_code == 200


def test_a_file_with_holes_is_served_without_them(tmp_path: Path) -> None:
    """A row with a missing number is left out, and rows out of order are sorted."""
    table = list(rows("BTC/USD", datetime(2018, 12, 25, tzinfo=UTC), timedelta(days=1), 4))[::-1]
    table[1]["close"] = None
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.Table.from_pylist(table), path)
    with running_simulator(bars=[path], now=NOW) as running:
        assert stamps(crypto(running)) == {"BTC/USD": ["2018-12-25", "2018-12-26", "2018-12-28"]}


def test_a_file_may_tell_of_splits_alone(tmp_path: Path) -> None:
    """Without dividends there were none; prices before a split count in the units after it."""
    days = list(rows("TSLA", datetime(2018, 12, 3, tzinfo=UTC), timedelta(days=1), 4))
    table = pa.Table.from_pylist([row | {"split_factor": 1.0 + (at == 3)} for at, row in enumerate(days)])
    pq.write_table(table, tmp_path / "splits.parquet")
    with running_simulator(bars=[tmp_path / "splits.parquet"], now="2018-12-10T00:00:00Z") as own:
        asked = {"symbols": "TSLA", "timeframe": "1Day", "start": "2018-12-01"}
        opens = {
            adjustment: [
                bar["o"] for bar in stocks(own, **asked, adjustment=adjustment).json()["bars"]["TSLA"]
            ]
            for adjustment in ("raw", "split")
        }
    assert opens["split"] == [*(price / 2 for price in opens["raw"][:3]), opens["raw"][3]]
