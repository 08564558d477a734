"""The bar cache: a run asks only for what is new, sees what it would see without it, and trusts no damage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray

from crypto_signals.domain.errors import NoBars
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import History, Wanted
from crypto_signals.market.alpaca import AlpacaBars
from crypto_signals.market.alpaca_client import Keys
from crypto_signals.market.cache import BarCache, Kept
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.fetching import BarKind
from market.samples import raw, stamps, steady, utc, write
from market.servers import Simulator, simulator

KEYS = Keys("key", "secret")
DAY = Timeframe("1Day")
BTC, ETH, SPY = "BTC/USD", "ETH/USD", "SPY"
KIND = BarKind(AssetClass.CRYPTO, DAY, "us")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A stand-in with some hundred days of two pairs and of one stock."""
    folder = tmp_path_factory.mktemp("bars")
    pairs = {symbol: steady("2017-01-01", 730, price=50.0 + at) for at, symbol in enumerate((BTC, ETH))}
    weeks = (np.datetime64("2018-10-01") + 7 * np.arange(13)).astype(str)
    weeks = [week for week in weeks if week < "2018-11-19" or "2018-11-25" < week < "2018-12-24"]
    stock = {SPY: [row for week in weeks for row in steady(week, 5)]}
    with simulator([write(folder / "days.parquet", pairs | stock)], "2018-12-20T12:00:00Z") as stand_in:
        yield stand_in


@pytest.fixture
def alpaca(running: Simulator) -> Simulator:
    running.post("reset", None)
    return running


OPEN: list[AlpacaBars] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def look(
    alpaca: Simulator,
    now: str,
    cache: Path | None,
    *symbols: str,
    since: str | None = "2018-10-01",
) -> History:
    """One run's history, from a source of its own, as each run has it."""
    alpaca.post("clock", {"now": f"{now}Z"})
    bars = AlpacaBars(
        alpaca.alpaca,
        MarketCalendar(),
        symbols or (BTC, ETH, SPY),
        keys=KEYS,
        first_wait_s=0.01,
        cache=BarCache(cache) if cache else None,
    )
    OPEN.append(bars)
    wanted = [Wanted(instrument, utc(since) if since else None) for instrument in bars.instruments()]
    return bars.history(wanted, DAY, utc(now))


def assert_same(history: History, other: History) -> None:
    """Bit for bit, but for the requests that it took."""
    assert history.panel.symbols == other.panel.symbols
    for series, own in zip(history.panel, other.panel, strict=True):
        for column in ("ts", "open", "high", "low", "close", "volume", "suspect"):
            np.testing.assert_array_equal(getattr(series, column), getattr(own, column))
    for name in ("feeds", "problems", "errors", "gone"):
        assert getattr(history, name) == getattr(other, name)


def asked(alpaca: Simulator) -> list[dict[str, str]]:
    """What bars were asked for."""
    return [dict(parse_qsl(entry["query"])) for entry in alpaca.requests() if entry["path"].endswith("/bars")]


def test_a_minute_later_nothing_is_asked(alpaca: Simulator, tmp_path: Path) -> None:
    """Closed bars that are kept are not asked for again, and are the same."""
    first = look(alpaca, "2018-12-18T00:05:00", tmp_path)
    again = look(alpaca, "2018-12-18T00:06:00", tmp_path)
    assert (first.requests, again.requests) == (2, 0)
    assert_same(again, first)


def test_a_day_later_only_the_new_bar_and_two_before_are_asked_for(alpaca: Simulator, tmp_path: Path) -> None:
    """And what a run sees is what it would see without a cache, day after day, over a weekend too."""
    for day in range(10, 20):
        now = f"2018-12-{day}T00:05:00"
        assert_same(look(alpaca, now, tmp_path), look(alpaca, now, None))
    alpaca.post("reset", None)
    history = look(alpaca, "2018-12-20T00:05:00", tmp_path, BTC, ETH)
    assert history.requests == 1
    (query,) = asked(alpaca)
    assert query["start"].startswith("2018-12-17T00:00:00")


def test_a_stock_is_asked_for_after_its_session_alone(alpaca: Simulator, tmp_path: Path) -> None:
    """Not at night, and not before the bar is known: 20 minutes after the close."""
    requests = [
        look(alpaca, f"2018-12-{moment}:00", tmp_path, SPY).requests
        for moment in ("14T21:20", "14T23:00", "16T12:00", "17T21:19", "17T21:20", "17T21:30")
    ]
    assert requests == [1, 0, 0, 0, 1, 0]


def test_a_bar_that_is_late_is_asked_for_again(alpaca: Simulator, tmp_path: Path) -> None:
    """Until it is there: nothing says that the service had all bars when it was asked."""
    look(alpaca, "2018-12-18T00:05:00", tmp_path, BTC)
    alpaca.post("clock", {"now": "2018-12-17T23:59:59Z"})
    late = AlpacaBars(alpaca.alpaca, MarketCalendar(), [BTC], cache=BarCache(tmp_path))
    OPEN.append(late)
    wanted = [Wanted(late.instruments()[0], utc("2018-10-01"))]
    rows = [late.history(wanted, DAY, utc(f"2018-12-19T00:0{minute}:00")) for minute in (5, 6)]
    assert all(history.requests for history in rows)
    assert look(alpaca, "2018-12-19T00:20:00", tmp_path, BTC).panel[BTC].ts[-1] == stamps("2018-12-18")[0]


def test_an_earlier_start_is_fetched_whole(alpaca: Simulator, tmp_path: Path) -> None:
    """What is kept starts where it was asked from; more is never made up."""
    look(alpaca, "2018-12-18T00:05:00", tmp_path, BTC, since="2018-12-01")
    history = look(alpaca, "2018-12-18T00:06:00", tmp_path, BTC, since="2018-11-01")
    assert (history.requests, history.panel[BTC].ts[0]) == (1, stamps("2018-11-01")[0])


def test_a_first_look_uses_what_is_kept(alpaca: Simulator, tmp_path: Path) -> None:
    """A run that stored no watermark starts as the first did, without asking for 501 bars again."""
    look(alpaca, "2018-12-18T00:05:00", tmp_path, BTC, since=None)
    history = look(alpaca, "2018-12-19T00:05:00", tmp_path, BTC, since=None)
    assert_same(history, look(alpaca, "2018-12-19T00:05:00", None, BTC, since=None))
    assert (history.requests, len(history.panel[BTC])) == (1, 501)


def rewrite(cache: Path, kind: BarKind, symbol: str, factor: float) -> None:
    """Makes what is kept of a symbol what it was before a split."""
    kept = BarCache(cache).load(kind)
    bars = kept[symbol].bars
    others = [bars.ts, *(column * factor for column in bars.values[:4]), bars.volume]
    kept[symbol] = Kept(kept[symbol].asked_from, type(bars)(*others))
    BarCache(cache).save(kind, kept)


def test_a_rewritten_past_is_fetched_whole(alpaca: Simulator, tmp_path: Path) -> None:
    """Overlapping bars with other prices fetch their symbol from its start; old and new prices never mix."""
    look(alpaca, "2018-12-17T22:00:00", tmp_path, BTC, SPY)
    rewrite(tmp_path, BarKind(AssetClass.EQUITY, DAY, "sip"), SPY, 2.0)
    now = "2018-12-18T22:00:00"
    history = look(alpaca, now, tmp_path, BTC, SPY)
    assert_same(history, look(alpaca, now, None, BTC, SPY))
    assert history.requests == 3
    assert look(alpaca, "2018-12-18T22:01:00", tmp_path, BTC, SPY).requests == 0


def test_another_volume_alone_is_taken_as_it_is(alpaca: Simulator, tmp_path: Path) -> None:
    """Volume is corrected for hours after a session; that is no other past."""
    look(alpaca, "2018-12-17T00:05:00", tmp_path, BTC)
    kept = BarCache(tmp_path).load(KIND)
    kept[BTC].bars.volume[-1] += 7
    BarCache(tmp_path).save(KIND, kept)
    history = look(alpaca, "2018-12-18T00:05:00", tmp_path, BTC)
    assert history.requests == 1
    assert_same(history, look(alpaca, "2018-12-18T00:05:00", None, BTC))


def test_feeds_never_mix(alpaca: Simulator, tmp_path: Path) -> None:
    """Where the plan withholds the tape from one day on, all bars come from IEX, from their start."""
    refusal = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    look(alpaca, "2018-12-17T22:00:00", tmp_path, SPY)
    alpaca.post("reset", None)
    alpaca.post("faults", [{"fault": "status", "status": 403, "body": refusal}])
    history = look(alpaca, "2018-12-18T22:00:00", tmp_path, SPY)
    assert (history.feeds, history.requests) == ({SPY: "iex"}, 2)
    assert [query["feed"] for query in asked(alpaca)] == ["sip", "iex"]
    assert asked(alpaca)[1]["start"].startswith("2018-10-01")
    assert len(list(tmp_path.glob("equity-1Day-*.npz"))) == 2


def test_without_the_service_what_is_kept_is_no_run(alpaca: Simulator, tmp_path: Path) -> None:
    """A day without network: no source gave a bar; the next day catches up over all that was missed."""
    look(alpaca, "2018-12-16T00:05:00", tmp_path, BTC, ETH)
    alpaca.post("faults", [{"fault": "reset_before", "times": None}])
    with pytest.raises(NoBars, match="cannot be reached"):
        look(alpaca, "2018-12-17T00:05:00", tmp_path, BTC, ETH)
    alpaca.post("reset", None)
    history = look(alpaca, "2018-12-18T00:05:00", tmp_path, BTC, ETH)
    assert_same(history, look(alpaca, "2018-12-18T00:05:00", None, BTC, ETH))
    assert history.requests == 1


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    bars = raw(steady("2018-01-01", 50))
    BarCache(tmp_path).save(KIND, {BTC: Kept(stamps("2018-01-01")[0], bars), ETH: Kept(bars.ts[0], bars)})
    return next(tmp_path.glob("*.npz"))


def test_what_is_saved_is_loaded(stored: Path) -> None:
    """Every column of every symbol, and where it was asked from."""
    kept = BarCache(stored.parent).load(KIND)
    bars = raw(steady("2018-01-01", 50))
    assert set(kept) == {BTC, ETH}
    assert kept[BTC].asked_from == stamps("2018-01-01")[0]
    assert kept[ETH].bars.has_prices_of(bars)
    np.testing.assert_array_equal(kept[ETH].bars.volume, bars.volume)


def test_a_damaged_file_is_never_believed(stored: Path) -> None:
    """Whatever byte is another, or wherever the file ends: it is said and nothing is loaded, or all is as
    it was."""
    good, whole = stored.read_bytes(), BarCache(stored.parent).load(KIND)
    damaged = [good[:at] for at in range(0, len(good), 97)]
    damaged += [good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :] for at in range(0, len(good), 13)]
    refused = 0
    for content in damaged:
        stored.write_bytes(content)
        cache = BarCache(stored.parent)
        kept, said = cache.load(KIND), cache.said()
        if said:
            refused += 1
            assert kept == {}
            assert "damaged: its bars are fetched again" in said[0]
        else:
            assert kept.keys() == whole.keys()
            for symbol, own in kept.items():
                assert own.asked_from == whole[symbol].asked_from
                assert own.bars.has_prices_of(whole[symbol].bars)
                np.testing.assert_array_equal(own.bars.volume, whole[symbol].bars.volume)
    assert refused > 0.8 * len(damaged)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("ts", np.arange(100)),
        ("close", np.full(100, "much")),
        ("asked_from", np.arange(2)),
        ("lengths", np.array([0, 100])),
    ],
)
def test_a_file_of_other_columns_is_never_believed(stored: Path, name: str, column: NDArray[Any]) -> None:
    """Nor one that is whole, but was not written like this."""
    with np.load(stored) as whole:
        columns = {own: whole[own] for own in whole}
    np.savez(stored, allow_pickle=False, **columns | {name: column})
    cache = BarCache(stored.parent)
    assert (cache.load(KIND), len(cache.said())) == ({}, 1)


def test_a_damaged_cache_is_rebuilt_with_a_warning(alpaca: Simulator, tmp_path: Path) -> None:
    """The run goes on, its bars fetched anew, and the next one has a good cache again."""
    first = look(alpaca, "2018-12-18T00:05:00", tmp_path, BTC)
    path = next(tmp_path.glob("*.npz"))
    path.write_bytes(path.read_bytes()[:-100])
    again = look(alpaca, "2018-12-18T00:06:00", tmp_path, BTC)
    assert ["damaged" in said for said in again.warnings] == [True]
    assert again.requests == 1
    assert_same(again, first)
    assert look(alpaca, "2018-12-18T00:07:00", tmp_path, BTC).requests == 0


def test_a_cache_that_cannot_be_written_fails_nothing(alpaca: Simulator, tmp_path: Path) -> None:
    """It is said, and the next run asks again."""
    place = tmp_path / "file"
    place.write_text("in the way")
    history = look(alpaca, "2018-12-18T00:05:00", place, BTC)
    assert len(history.panel[BTC]) == 78
    assert any("cannot be written" in said for said in history.warnings)
