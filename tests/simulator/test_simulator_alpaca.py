"""What Alpaca says beside plain bars: adjusted, on the plan, on IEX, newest, and about the market itself."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from simulator_fixtures import DiscordSimulator, running_simulator

KEYS = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}
GOLDEN = Path(__file__).parents[3] / "shared" / "data" / "golden" / "alpaca_response_bodies.json"
SPLIT_DAY = "2018-07-05"
NOW = "2018-07-09T12:00:00Z"


def days() -> Iterator[dict[str, Any]]:
    """NVDA at 100 and, from the split of 2018-07-05 on, at 10; MSFT pays 2 of its 100 that day."""
    for n, day in enumerate((1, 2, 3, 5, 6)):
        ts = datetime(2018, 7 if day > 1 else 6, day if day > 1 else 29, tzinfo=UTC)
        after = day >= 5
        split = {"split_factor": 10.0 if day == 5 else 1.0, "dividend": 0.0}
        cash = {"split_factor": 1.0, "dividend": 2.0 if day == 5 else 0.0}
        for symbol, price, action in (("NVDA", 10.0 if after else 100.0, split), ("MSFT", 100.0, cash)):
            prices = {"open": price, "high": price + n, "low": price - 1, "close": price}
            yield {"symbol": symbol, "ts": ts, "volume": 1_000_000.0} | prices | action


def minutes() -> Iterator[dict[str, Any]]:
    for n in range(3):
        ts = datetime(2018, 7, 9, 11, 58, tzinfo=UTC) + n * timedelta(minutes=1)
        yield {
            "symbol": "BTC/USD",
            "ts": ts,
            "open": 8.0,
            "high": 16.0,
            "low": 4.0,
            "close": 12.0,
            "volume": 6.0,
        }


def coin_days() -> Iterator[dict[str, Any]]:
    for day in (8, 9):
        prices = {"open": 8.0, "high": 16.0, "low": 4.0, "close": 12.0, "volume": 24.0}
        yield {"symbol": "BTC/USD", "ts": datetime(2018, 7, day, tzinfo=UTC)} | prices


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiscordSimulator]:
    paths = []
    for name, rows in (("days", days()), ("minutes", minutes()), ("coin", coin_days())):
        paths.append(tmp_path_factory.mktemp("bars") / f"{name}.parquet")
        pq.write_table(pa.Table.from_pylist(list(rows)), paths[-1])
    with running_simulator(bars=paths, now=NOW) as running:
        yield running


@pytest.fixture
def alpaca(served: DiscordSimulator) -> DiscordSimulator:
    served.reset()
    return served


def get(
    simulator: DiscordSimulator, path: str, headers: dict[str, str] = KEYS, **params: str
) -> httpx.Response:
    return simulator.client.get(f"{simulator.alpaca_data_url}{path}", params=params, headers=headers)


def stocks(simulator: DiscordSimulator, symbol: str = "NVDA", **params: str) -> list[dict[str, Any]]:
    query = {"symbols": symbol, "timeframe": "1Day", "start": "2018-06-01", "end": "2018-07-08"} | params
    answer = get(simulator, "/v2/stocks/bars", **query)
    assert answer.status_code == 200, answer.text
    bars: list[dict[str, Any]] = answer.json()["bars"].get(symbol, [])
    return bars


def closes(bars: list[dict[str, Any]]) -> list[float]:
    return [bar["c"] for bar in bars]


def test_a_split_changes_the_bars_before_it(alpaca: DiscordSimulator) -> None:
    """Raw by default; split-adjusted the price is divided and the volume multiplied, before it alone."""
    assert closes(stocks(alpaca)) == [100, 100, 100, 10, 10]
    adjusted = stocks(alpaca, adjustment="split")
    assert closes(adjusted) == [10] * 5
    assert [bar["v"] for bar in adjusted] == [10_000_000] * 3 + [1_000_000] * 2


def test_a_split_is_not_known_before_its_day_opens(alpaca: DiscordSimulator) -> None:
    """As of the virtual now: the evening before, history is as it was."""
    alpaca.clock("2018-07-05T13:29:00Z")
    assert closes(stocks(alpaca, adjustment="split", end="2018-07-04")) == [100, 100, 100]
    alpaca.clock("2018-07-05T13:31:00Z")
    assert closes(stocks(alpaca, adjustment="split", end="2018-07-04")) == [10, 10, 10]


@pytest.mark.parametrize(
    ("adjustment", "before"),
    [("raw", 100), ("split", 100), ("dividend", 98), ("all", 98), ("split,dividend", 98)],
)
def test_a_dividend_scales_the_bars_before_it(
    alpaca: DiscordSimulator, adjustment: str, before: float
) -> None:
    """By 1 - D/close of the day before, where dividends are asked for."""
    assert closes(stocks(alpaca, "MSFT", adjustment=adjustment)) == [before] * 3 + [100] * 2


def test_a_dividend_on_the_day_of_a_split_is_one_of_the_new_shares(tmp_path: Path) -> None:
    """Half a dollar for each of ten new shares, which were one of 100, is five per cent."""
    table = [row for row in days() if row["symbol"] == "NVDA"]
    table[3]["dividend"] = 0.5
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.Table.from_pylist(table), path)
    with running_simulator(bars=[path], now=NOW) as simulator:
        assert closes(stocks(simulator, adjustment="all")) == [9.5] * 3 + [10] * 2
        assert closes(stocks(simulator, adjustment="dividend")) == [95] * 3 + [10] * 2


def test_the_basic_plan_withholds_the_newest_tape(alpaca: DiscordSimulator) -> None:
    """The last 15 minutes of SIP are a 403 with a code of 422; older bars and IEX are not withheld."""
    query = {"symbols": "NVDA", "timeframe": "1Day", "start": "2018-06-01"}
    recent = query | {"end": "2018-07-09T11:45:01Z"}
    refused = get(alpaca, "/v2/stocks/bars", **recent)
    body = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    assert (refused.status_code, refused.json()) == (403, body)
    for allowed in (query, query | {"end": "2018-07-09T11:45:00Z"}, recent | {"feed": "iex"}):
        assert get(alpaca, "/v2/stocks/bars", **allowed).status_code == 200
    alpaca.plan("plus")
    assert get(alpaca, "/v2/stocks/bars", **recent).status_code == 200


def test_iex_has_a_few_per_cent_of_the_volume(alpaca: DiscordSimulator) -> None:
    """At slightly other prices, the same each time, and adjusted alike."""
    tape, iex = (stocks(alpaca, feed=feed, adjustment="split") for feed in ("sip", "iex"))
    assert iex == stocks(alpaca, feed="iex", adjustment="split")
    for bar, other in zip(tape, iex, strict=True):
        assert 0.02 <= other["v"] / bar["v"] <= 0.035
        assert bar["c"] != other["c"] == pytest.approx(bar["c"], rel=3e-4)
        assert other["h"] >= max(other["o"], other["c"], other["l"])
    assert stocks(alpaca, feed="otc") == []


def test_a_forming_bar_is_as_far_as_it_has_come(alpaca: DiscordSimulator) -> None:
    """Half of a day on, prices and volume are half way; at its end the bar is whole."""
    path, query = "/v1beta3/crypto/us/bars", {"symbols": "BTC/USD", "timeframe": "1Day"}
    (noon,) = get(alpaca, path, **query).json()["bars"]["BTC/USD"]
    assert [noon[name] for name in "ohlcv"] == [8, 12, 6, 10, 12]
    alpaca.clock("2018-07-10T00:00:00Z")
    (whole,) = get(alpaca, path, start="2018-07-09", **query).json()["bars"]["BTC/USD"]
    assert [whole[name] for name in "ohlcv"] == [8, 16, 4, 12, 24]


def test_a_stocks_day_is_its_session(alpaca: DiscordSimulator) -> None:
    """Its bar is not there before the opening, and whole at an early close: 13:00 in New York on a third of
    July."""
    stamps = {}
    for clock in ("2018-07-03T13:29:00Z", "2018-07-03T15:00:00Z", "2018-07-03T17:00:00Z"):
        alpaca.clock(clock)
        bars = stocks(alpaca, start="2018-07-03", end="2018-07-04", feed="iex")
        stamps[clock[11:16]] = [bar["v"] for bar in bars]
    assert stamps["13:29"] == []
    assert 0 < stamps["15:00"][0] < stamps["17:00"][0]
    alpaca.clock("2018-07-03T20:00:00Z")
    assert stocks(alpaca, start="2018-07-03", end="2018-07-04", feed="iex")[0]["v"] == stamps["17:00"][0]


def test_the_bars_of_one_stock_come_without_a_map(alpaca: DiscordSimulator) -> None:
    """With its symbol beside the list, in pages; without bars there is no list."""
    query = {"timeframe": "1Day", "start": "2018-06-01", "limit": "3"}
    first = get(alpaca, "/v2/stocks/NVDA/bars", **query).json()
    rest = get(alpaca, "/v2/stocks/NVDA/bars", page_token=first["next_page_token"], **query).json()
    assert [len(first["bars"]), len(rest["bars"]), rest["next_page_token"]] == [3, 2, None]
    empty = get(alpaca, "/v2/stocks/NOPE/bars", **query).json()
    assert empty == {"bars": None, "symbol": "NOPE", "next_page_token": None, "currency": "USD"}


def test_the_newest_values_follow_the_clock(alpaca: DiscordSimulator) -> None:
    """The minute's bar of a coin, its trade and quote; a symbol without any is absent."""
    path = "/v1beta3/crypto/us/latest"
    symbols = "BTC/USD,NOPE/USD"
    alpaca.clock("2018-07-09T11:59:30Z")
    bars = get(alpaca, f"{path}/bars", symbols=symbols, headers={}).json()["bars"]
    assert {symbol: bar["t"] for symbol, bar in bars.items()} == {"BTC/USD": "2018-07-09T11:59:00Z"}
    price = get(alpaca, f"{path}/trades", symbols=symbols).json()["trades"]["BTC/USD"]["p"]
    quote = get(alpaca, f"{path}/quotes", symbols=symbols).json()["quotes"]["BTC/USD"]
    assert quote["bp"] < price == bars["BTC/USD"]["c"] < quote["ap"]


def test_the_newest_tape_needs_the_plan(alpaca: DiscordSimulator) -> None:
    """Snapshots on the basic plan are IEX's unless SIP is asked for, which is refused."""
    snapshots = {name: get(alpaca, "/v2/stocks/snapshots", symbols="NVDA", **feed) for name, feed in (
        ("default", {}), ("iex", {"feed": "iex"}), ("sip", {"feed": "sip"}))}  # fmt: skip
    assert snapshots["sip"].status_code == 403
    assert snapshots["default"].json() == snapshots["iex"].json()
    day, before = (snapshots["iex"].json()["NVDA"][name]["t"] for name in ("dailyBar", "prevDailyBar"))
    assert (day[:10], before[:10]) == ("2018-07-06", "2018-07-05")


def shape(value: object) -> object:
    """Keys all the way down; a symbol stands for any, the first item for a list."""
    if isinstance(value, dict):
        return {
            "SYMBOL" if key.replace("/", "").replace(".", "").isupper() else key: shape(inner)
            for key, inner in value.items()
        }
    return [shape(item) for item in value[:1]] if isinstance(value, list) else None


def golden(test: str) -> Any:
    if not GOLDEN.exists():
        pytest.skip("needs ../shared/data")
    bodies = json.loads(GOLDEN.read_text(encoding="utf-8"))
    ours = (body for body in bodies if "option" not in body["file"])
    return next(body["body"] for body in ours if body["test"] == test)


@pytest.mark.parametrize(
    ("test", "path", "params"),
    [
        ("test_get_crypto_bars", "/v1beta3/crypto/us/bars", {"symbols": "BTC/USD", "timeframe": "1Day"}),
        ("test_crypto_latest_bar", "/v1beta3/crypto/us/latest/bars", {"symbols": "BTC/USD"}),
        ("test_get_crypto_latest_trade", "/v1beta3/crypto/us/latest/trades", {"symbols": "BTC/USD"}),
        ("test_get_crypto_latest_quote", "/v1beta3/crypto/us/latest/quotes", {"symbols": "BTC/USD"}),
        ("test_crypto_get_snapshot", "/v1beta3/crypto/us/snapshots", {"symbols": "BTC/USD"}),
        (
            "test_get_bars_desc",
            "/v2/stocks/bars",
            {"symbols": "NVDA", "timeframe": "1Day", "start": "2018-06-01"},
        ),
        ("test_stock_latest_bar", "/v2/stocks/bars/latest", {"symbols": "NVDA"}),
        ("test_get_latest_trade", "/v2/stocks/trades/latest", {"symbols": "NVDA"}),
        ("test_get_latest_quote", "/v2/stocks/quotes/latest", {"symbols": "NVDA"}),
        ("test_get_snapshot", "/v2/stocks/snapshots", {"symbols": "NVDA"}),
        ("test_get_all_assets", "/v2/assets", {"status": "active"}),
        ("test_get_asset", "/v2/assets/NVDA", {}),
        ("test_get_account", "/v2/account", {}),
    ],
)
def test_answers_have_the_shape_of_alpacas_own(
    alpaca: DiscordSimulator, test: str, path: str, params: dict[str, str]
) -> None:
    """Key by key as in the bodies of the tests of Alpaca's SDK, except for what is there in some alone."""
    optional = {"currency", "next_page_token", "last_close_pct_change", "last_price"}
    ours, theirs = shape(get(alpaca, path, **params).json()), shape(golden(test))
    assert without(ours, {*optional, "maintenance_margin_requirement"}) == without(theirs, optional)


def without(shaped: Any, keys: set[str]) -> Any:
    if isinstance(shaped, dict):
        return {key: without(inner, keys) for key, inner in shaped.items() if key not in keys}
    return [without(item, keys) for item in shaped] if isinstance(shaped, list) else shaped


def test_assets_are_those_that_trade_at_the_time(alpaca: DiscordSimulator) -> None:
    """Stocks unless asked otherwise; unlisted before the first bar, inactive long after the last one."""
    names = [asset["symbol"] for asset in get(alpaca, "/v2/assets", status="active").json()]
    assert names == ["MSFT", "NVDA"]
    (coin,) = get(alpaca, "/v2/assets", asset_class="crypto").json()
    assert (coin["symbol"], coin["class"], coin["tradable"]) == ("BTC/USD", "crypto", True)
    assert {"min_order_size", "min_trade_increment", "price_increment"} <= coin.keys()
    for name in ("BTC/USD", "BTCUSD", coin["id"]):
        assert get(alpaca, f"/v2/assets/{name}").json() == coin
    alpaca.clock("2018-06-01T00:00:00Z")
    assert get(alpaca, "/v2/assets").json() == []
    alpaca.clock("2018-09-01T00:00:00Z")
    (stock, _) = get(alpaca, "/v2/assets", status="inactive").json()
    assert (stock["status"], stock["tradable"]) == ("inactive", False)


def test_an_unknown_asset_is_not_found(alpaca: DiscordSimulator) -> None:
    """404 with Alpaca's code."""
    answer = get(alpaca, "/v2/assets/NOPE")
    assert (answer.status_code, answer.json()["code"]) == (404, 40410000)


def test_the_calendar_knows_holidays_and_half_days(alpaca: DiscordSimulator) -> None:
    """The week of a fourth of July."""
    found = get(alpaca, "/v2/calendar", start="2018-07-02", end="2018-07-08").json()
    assert [(day["date"], day["open"], day["close"]) for day in found] == [
        ("2018-07-02", "09:30", "16:00"),
        ("2018-07-03", "09:30", "13:00"),
        ("2018-07-05", "09:30", "16:00"),
        ("2018-07-06", "09:30", "16:00"),
    ]


@pytest.mark.parametrize(
    ("now", "is_open", "opens", "closes"),
    [
        ("2018-07-03T14:00:00Z", True, "2018-07-05T09:30:00-04:00", "2018-07-03T13:00:00-04:00"),
        ("2018-07-03T17:00:00Z", False, "2018-07-05T09:30:00-04:00", "2018-07-05T16:00:00-04:00"),
        ("2018-12-03T14:00:00Z", False, "2018-12-03T09:30:00-05:00", "2018-12-03T16:00:00-05:00"),
    ],
)
def test_the_clock_tells_the_next_opening_and_close(
    alpaca: DiscordSimulator, now: str, is_open: bool, opens: str, closes: str
) -> None:
    """In New York's time."""
    alpaca.clock(now)
    clock = get(alpaca, "/v2/clock").json()
    assert (clock["is_open"], clock["next_open"], clock["next_close"]) == (is_open, opens, closes)


@pytest.mark.parametrize("path", ["/v2/assets", "/v2/calendar", "/v2/clock", "/v2/account"])
def test_the_trading_host_needs_keys(alpaca: DiscordSimulator, path: str) -> None:
    """401 with Alpaca's code."""
    answer = get(alpaca, path, headers={})
    assert (answer.status_code, answer.json()["code"]) == (401, 40110000)


def test_each_host_has_its_own_allowance(alpaca: DiscordSimulator) -> None:
    """Spent on data, it is still there for trading; both tell it in their headers."""
    alpaca.limits(alpaca=(1, 60.0))
    assert [get(alpaca, "/v2/stocks/NVDA/bars", timeframe="1Day").status_code for _ in range(2)] == [200, 429]
    clock = get(alpaca, "/v2/clock")
    assert (clock.status_code, clock.headers["X-RateLimit-Remaining"]) == (200, "0")


def test_the_services_clocks_can_be_wrong(alpaca: DiscordSimulator) -> None:
    """The Date header is the real time, bars follow the virtual one; both are off by the skew."""
    alpaca.skew(-300.0)
    answer = get(alpaca, "/v2/clock")
    assert answer.json()["timestamp"] == "2018-07-09T07:55:00-04:00"
    off = (datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"])).total_seconds()
    assert 295 < off < 310
