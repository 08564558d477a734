"""Alpaca's bars over HTTP: against the project's stand-in, and against answers that it never gives."""

import logging
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from crypto_signals.domain.errors import NoBars, SourceFailed, UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.engine.ports import History, Wanted
from crypto_signals.market import alpaca_client
from crypto_signals.market.alpaca import AlpacaBars
from crypto_signals.market.alpaca_client import AlpacaClient, Keys
from crypto_signals.market.calendars import MarketCalendar
from market.samples import stamps, steady, utc, write
from market.servers import Script, Simulator, scripted, simulator

DAY = Timeframe("1Day")
NOW = "2018-12-30T21:30:00"
KEYS = Keys("canary-key-id", "canary-secret")
RECENT_SIP = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
MANY = [f"{letter}{other}/USD" for letter in "ABCDE" for other in "VWXYZ"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A stand-in with crypto and stock days, and hours of one pair; its newest bars are still forming."""
    folder = tmp_path_factory.mktemp("bars")
    days = {
        symbol: steady("2017-01-01", 730, price=50.0 + at) for at, symbol in enumerate(["BTC/USD", *MANY])
    }
    sessions = {"SPY": steady("2018-12-03", 5) + steady("2018-12-10", 5) + steady("2018-12-17", 5)}
    paths = [
        write(folder / "days.parquet", days | sessions),
        write(folder / "minutes.parquet", {"SPY": steady("2018-12-27T09:00", 170, minutes=5)}),
    ]
    with simulator(paths, f"{NOW}Z") as stand_in:
        yield stand_in


@pytest.fixture
def alpaca(running: Simulator) -> Simulator:
    """The stand-in as it was at its start."""
    running.post("reset", None)
    running.post("clock", {"now": f"{NOW}Z"})
    running.post("limits", {"alpaca": None})
    return running


@pytest.fixture(scope="module")
def server() -> Iterator[Script]:
    with scripted() as script:
        yield script


OPEN: list[AlpacaBars] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Every test gives its connections back."""
    yield
    while OPEN:
        OPEN.pop().close()


def source(url: str, *symbols: str, keys: Keys | None = None, feed: str = "auto") -> AlpacaBars:
    OPEN.append(AlpacaBars(url, MarketCalendar(), symbols, keys=keys, feed=feed, first_wait_s=0.01))
    return OPEN[-1]


def look(bars: AlpacaBars, since: str | None = None, now: str = NOW, timeframe: Timeframe = DAY) -> History:
    wanted = [Wanted(instrument, utc(since) if since else None) for instrument in bars.instruments()]
    return bars.history(wanted, timeframe, utc(now))


def test_first_look(alpaca: Simulator) -> None:
    """The newest completed bar and 500 before it; the bar that is still forming is dropped."""
    history = look(source(alpaca.alpaca, "BTC/USD"))
    series = history.panel["BTC/USD"]
    assert (len(series), series.ts[-1]) == (501, stamps("2018-12-29")[0])
    assert (history.errors, history.problems, history.requests, history.retries) == ((), (), 1, 0)
    assert history.feeds == {"BTC/USD": "us"}


def test_since(alpaca: Simulator) -> None:
    """From ``since`` on, that bar included; with the bar of ``since`` not yet due, nothing, and no fault."""
    assert look(source(alpaca.alpaca, "BTC/USD"), "2018-12-27").panel["BTC/USD"].ts.tolist() == (
        stamps("2018-12-27", "2018-12-28", "2018-12-29").tolist()
    )
    assert len(look(source(alpaca.alpaca, "BTC/USD"), "2018-12-30").panel) == 0


def test_many_symbols_in_few_pages(alpaca: Simulator) -> None:
    """25 pairs of 501 bars are one question with two pages; nothing is lost between them."""
    history = look(source(alpaca.alpaca, *MANY))
    assert {series.symbol: len(series) for series in history.panel} == dict.fromkeys(MANY, 501)
    assert history.requests == 2


def test_stock_days(alpaca: Simulator) -> None:
    """Days at New York midnight get 00:00 UTC of their date; the request asks for split adjustment."""
    bars = source(alpaca.alpaca, "SPY", keys=KEYS)
    series = look(bars, "2018-12-03", now="2018-12-21T21:19:59").panel["SPY"]
    assert series.ts[-1] == stamps("2018-12-20")[0]
    history = look(bars, "2018-12-03", now="2018-12-21T21:20:00")
    assert (history.panel["SPY"].ts[0], history.panel["SPY"].ts[-1]) == tuple(
        stamps("2018-12-03", "2018-12-21")
    )
    assert history.feeds == {"SPY": "sip"}
    query = alpaca.requests()[-1]["query"]
    assert "adjustment=split" in str(query) or query.get("adjustment") == "split"


def test_stock_minutes_are_regular_ones(alpaca: Simulator) -> None:
    """Bars of extended hours are dropped."""
    bars = source(alpaca.alpaca, "SPY", keys=KEYS)
    series = look(bars, now="2018-12-28T21:20:00", timeframe=Timeframe("5Min")).panel["SPY"]
    assert (len(series), series.ts[0], series.ts[-1]) == (78, *stamps("2018-12-27T14:30", "2018-12-27T20:55"))


def test_stocks_without_keys_are_named(alpaca: Simulator) -> None:
    """A configured stock is never silently left out."""
    history = look(source(alpaca.alpaca, "BTC/USD", "SPY"))
    assert history.panel.symbols == ("BTC/USD",)
    (error,) = history.errors
    assert (error.symbol, error.service) == ("SPY", "alpaca")
    assert "need ALPACA_API_KEY and ALPACA_SECRET_KEY" in error.error


def test_falls_back_to_iex(alpaca: Simulator) -> None:
    """Where the plan withholds the consolidated tape, IEX is asked, with a warning and under its own name."""
    alpaca.post("faults", [{"fault": "status", "status": 403, "body": RECENT_SIP}])
    history = look(source(alpaca.alpaca, "SPY", keys=KEYS), "2018-12-03")
    assert (history.feeds, history.errors) == ({"SPY": "iex"}, ())
    assert sum("Stock bars come from IEX instead" in warning for warning in history.warnings) == 1


def test_a_chosen_feed_is_kept(alpaca: Simulator) -> None:
    """With ``sip`` chosen, a plan that withholds it is an error, not another feed."""
    alpaca.post("faults", [{"fault": "status", "status": 403, "body": RECENT_SIP}])
    with pytest.raises(NoBars, match=r"SPY: Alpaca refuses these bars on this plan \(403\)"):
        look(source(alpaca.alpaca, "SPY", keys=KEYS, feed="sip"), "2018-12-03")


def test_unknown_symbols_are_errors_of_their_own(alpaca: Simulator) -> None:
    """A symbol without bars, and one that Alpaca refuses together with its neighbours, fail alone."""
    history = look(source(alpaca.alpaca, "BTC/USD", "NO/USD", "B4D/USD", "AV/USD"))
    assert sorted(history.panel.symbols) == ["AV/USD", "BTC/USD"]
    errors = {error.symbol: error.error for error in history.errors}
    assert errors["NO/USD"] == "Alpaca has no completed bars of it; check the symbol"
    assert errors["B4D/USD"].startswith("Alpaca refused the request (400): Invalid symbol(s): B4D/USD")
    assert set(errors) == {"NO/USD", "B4D/USD"}


@pytest.mark.parametrize("fault", ["reset_before", "half_body", "not_json", "status"])
def test_passing_faults_are_retried(alpaca: Simulator, fault: str) -> None:
    """A request that fails twice for a passing reason is asked a third time, and counted."""
    alpaca.post("faults", [{"fault": fault, "times": 2, "status": 503, "body": "<html>busy</html>"}])
    history = look(source(alpaca.alpaca, "BTC/USD"))
    assert len(history.panel["BTC/USD"]) == 501
    assert (history.requests, history.retries) == (3, 2)


@pytest.mark.parametrize(("others", "retries"), [(False, 0), (True, 1)])
def test_waits_until_the_rate_limit_resets(alpaca: Simulator, others: bool, retries: int) -> None:
    """Nothing is asked before the announced time: neither after the last request that the headers allowed,
    nor after a 429, where others used up what was left."""
    alpaca.post("limits", {"alpaca": {"requests": 1, "seconds": 1.0}})
    bars = source(alpaca.alpaca, "BTC/USD")
    look(source(alpaca.alpaca, "BTC/USD") if others else bars)
    started = time.monotonic()
    history = look(bars)
    assert (history.requests, history.retries) == (1 + retries, retries)
    assert 1.0 <= time.monotonic() - started < 5.0


def test_lasting_faults_end_in_three_attempts(alpaca: Simulator) -> None:
    """A service that keeps failing is an error of the symbols asked for; HTML is never shown."""
    alpaca.post(
        "faults", [{"fault": "status", "path": "crypto", "times": None, "status": 504, "body": "<html>"}]
    )
    history = look(source(alpaca.alpaca, "BTC/USD", "SPY", keys=KEYS), "2018-12-03")
    assert [(error.symbol, error.error) for error in history.errors] == [("BTC/USD", "Alpaca failed (504)")]
    assert history.panel.symbols == ("SPY",)
    assert history.requests == 4


def test_a_failing_service_is_left_alone(alpaca: Simulator) -> None:
    """After five requests that failed one after the other, no other is sent, whatever is still to be asked;
    stocks still come, and both states can be read."""
    alpaca.post(
        "faults", [{"fault": "status", "path": "crypto", "times": None, "status": 503, "body": "<html>"}]
    )
    pairs = [f"{a}{b}{c}/USD" for a in "AB" for b in "ABCDEFGHIJ" for c in "KLMNOPQRST"]
    history = look(source(alpaca.alpaca, *pairs, "SPY", keys=KEYS))
    assert history.breakers == {"alpaca_crypto": "open", "alpaca_equity": "closed"}
    assert 5 <= sum("crypto" in entry["path"] for entry in alpaca.requests()) <= 8
    assert history.panel.symbols == ("SPY",)
    assert "it is left alone for 30 s" in history.errors[-1].error


def test_unreachable() -> None:
    """With nobody there, one line says so, and nothing is given."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NoBars) as caught:
        look(source(f"http://127.0.0.1:{port}", *MANY))
    assert str(caught.value) == (
        "Alpaca market data (127.0.0.1) cannot be reached: the connection was refused. "
        "Nothing was done; check the network, or name a bars file in BARS_URL."
    )


BAR = {"t": "2018-12-28T00:00:00Z", "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 3, "n": 1, "vw": 1}


def bars_of(*rows: object) -> dict[str, object]:
    return {"bars": {"BTC/USD": list(rows)}, "next_page_token": None}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<html><body>hello</body></html>", "answered with something that is not a JSON object"),
        ([1, 2], "answered with something that is not a JSON object"),
        ({"bars": "none"}, "holds no bars by symbol"),
        ({"bars": {"BTC/USD": 7}}, "holds no list of bars for BTC/USD"),
        ({"bars": None}, "has no completed bars of it"),
        ({}, "has no completed bars of it"),
        (bars_of({"o": 1}), "sent a bar without a time"),
        (
            bars_of({name: own for name, own in BAR.items() if name != "c"}),
            "2018-12-28T00:00:00Z has no field 'c'",
        ),
        (bars_of(BAR | {"c": "1.5"}), "holds something that is no number or time"),
        (bars_of(BAR | {"v": 10**400}), "holds something that is no number or time"),
        (bars_of(BAR | {"t": "0001-01-01T00:00:00+12:00"}), "holds something that is no number or time"),
        (bars_of(BAR | {"t": ["2018"]}), "sent a bar without a time"),
        (bars_of("a bar"), "sent a bar without a time"),
        (bars_of(BAR | {"t": "yesterday"}), "holds something that is no number or time"),
        (bars_of(BAR | {"t": "2018-12-28T00:00:00"}), "holds something that is no number or time"),
        ({"bars": {}, "next_page_token": "again"}, "never ends: its next_page_token repeats"),
        ({"bars": {}, "next_page_token": 7}, "never ends"),
    ],
)
def test_answers_that_make_no_sense(server: Script, body: object, says: str) -> None:
    """Whatever a service or proxy sends, the error is one clear line."""
    server.says((200, body))
    with pytest.raises(NoBars, match=says) as caught:
        look(source(server.url, "BTC/USD"))
    assert "\n" not in str(caught.value)


def test_bars_of_any_precision_and_zone(server: Script) -> None:
    """Nanoseconds and offsets are read; a null value is a missing one, removed and reported."""
    rows = [
        BAR | {"t": "2018-12-27T00:00:00.000000000Z", "c": None},
        BAR | {"t": "2018-12-28T01:00:00+01:00"},
        BAR | {"t": "2018-12-29T00:00:00Z", "o": 1.25},
    ]
    server.says((200, bars_of(*rows)))
    history = look(source(server.url, "BTC/USD"), "2018-12-27")
    np.testing.assert_array_equal(history.panel["BTC/USD"].ts, stamps("2018-12-28", "2018-12-29"))
    assert [problem.detail for problem in history.problems] == ["close is missing"]


def test_two_kinds_of_crypto_day_are_refused(server: Script) -> None:
    """A series whose days begin at two hours is an error of its symbol."""
    rows = [
        BAR | {"t": f"2018-12-{day}T{hour}:00:00Z", "v": day}
        for day, hour in ((26, "06"), (27, "06"), (29, "00"))
    ]
    server.says((200, bars_of(*rows)))
    with pytest.raises(NoBars, match="its daily bars begin at 00:00 and 06:00 UTC: two kinds of day"):
        look(source(server.url, "BTC/USD"))


def test_pages_are_bounded(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that goes on and on is given up."""
    monkeypatch.setattr(alpaca_client, "MAX_PAGES", 3)
    server.says(*[(200, {"bars": {}, "next_page_token": f"page {at}"}) for at in range(9)])
    client = AlpacaClient(server.url)
    with pytest.raises(SourceFailed, match="more than 3 pages"):
        list(client.pages("/bars", {}))
    client.close()
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 422, 429, 500])
def test_no_key_in_any_message(
    server: Script, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A service that repeats the keys does not get them into an error, a log line or an output."""
    body = {"message": f"who is {KEYS.key_id}? {KEYS.secret} is wrong\nreally"}
    server.says((status, body))
    server.answers[0][2]["X-RateLimit-Reset"] = "0" if status != 429 else "soon"
    bars = source(server.url, "SPY", keys=KEYS)
    with caplog.at_level(logging.DEBUG), pytest.raises(NoBars) as caught:
        look(bars, "2018-12-03")
    seen = (
        f"{caught.value!r} {caught.value.__context__!r} {caplog.text} {capfd.readouterr()} {bars!r} {KEYS!r}"
    )
    assert "canary" not in seen
    assert str(status) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://data.alpaca.markets", "must begin with https://"),
        ("ftp://127.0.0.1", "must begin with https://"),
        ("data.alpaca.markets", "must begin with https://"),
        ("https://canary:canary@data.alpaca.markets", "holds a user name or password"),
        ("https://data.alpaca.markets:canary", "is not an address"),
    ],
)
def test_addresses_that_are_refused(url: str, says: str) -> None:
    """Keys go out over https only, except to this machine; the address is not repeated."""
    with pytest.raises(UsageError, match=says) as caught:
        AlpacaClient(url, KEYS)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://data.alpaca.markets", "http://localhost:1", "http://127.0.0.2:1", "http://[::1]:1"]
)
def test_addresses_that_are_accepted(url: str) -> None:
    """https anywhere, plain http on loopback."""
    AlpacaClient(url, KEYS).close()


def test_unknown_feed() -> None:
    """A feed that does not exist is refused with those that do."""
    with pytest.raises(UsageError, match="'IEX2'; use one of auto, sip, iex"):
        source("https://data.alpaca.markets", "SPY", feed="IEX2")


def test_instruments_are_those_configured() -> None:
    """In their order, with their asset class."""
    bars = source("https://data.alpaca.markets", "SPY", "BTC/USD")
    assert bars.instruments() == [Instrument.of("SPY"), Instrument.of("BTC/USD")]
