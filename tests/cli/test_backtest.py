"""``sentinel backtest`` from bars files to figures, trades file and page."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from e2e.program import BUNDLED, CRYPTO, EQUITY, ISO_Z, Answer, Program, clean, one_line

HOURLY = BUNDLED / "crypto_hourly.parquet"
KEYS = set(
    """strategy strategy_version timeframe from to symbols bars signals shadow_signals not_entered closed open
    hit_rate mean_r mean_r_lo mean_r_hi total_r profit_factor best_r worst_r ambiguous drilled fees_r
    capital_usd final_worth_usd return_pct max_drawdown_pct cagr_pct sharpe exposure_pct taken left_out
    detectors years regimes exit_reasons convictions gates notes errors trades_file
    report_file""".split()  # noqa: SIM905
)
CONTRACT = """symbol detector direction conviction signal_ts entry_ts entry entry_fill stop invalidation
    targets exit_ts exit exit_reason r fees_r ambiguous shadow failed_gates""".split()  # noqa: SIM905
MARKET_REASONS = {
    *("target_3", "trail", "stop", "break_even", "tp1_lock", "structure", "time", "no_data"),
    *("missed", "no_entry", None),
}
HEADER = "symbol,ts,open,high,low,close,volume\n"
PERIOD = ("--from", "2017-01-01", "--to", "2018-12-31")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Two years of the bundled bars, tested once."""
    program = Program(tmp_path_factory.mktemp("backtest"))
    words = ("backtest", "--bars", CRYPTO, "--bars", EQUITY, *PERIOD, "--charts", 3, "--format", "json")
    assert clean(program(*words)).code == 0
    return program


def answered(program: Program) -> dict[str, Any]:
    return program.answers[0].row


def trades(row: dict[str, Any]) -> pa.Table:
    return pq.read_table(row["trades_file"])


def test_the_figures_are_one_object(tested: Program) -> None:
    """Every key, times with Z, and no NaN anywhere: what is not known is null."""
    row = answered(tested)
    assert row.keys() >= KEYS
    assert "NaN" not in tested.answers[0].out
    assert "Infinity" not in tested.answers[0].out
    assert ISO_Z.fullmatch(row["from"])
    assert row["from"] >= "2017-01-01"
    assert "2018-12-30" <= row["to"] < "2019-01-01"
    assert row["errors"] == []
    assert row["closed"] > 10


def test_the_trades_file_has_the_columns_of_the_contract(tested: Program) -> None:
    """In their order and types: stamps in UTC, three targets, null for what there is not."""
    table = trades(answered(tested))
    assert table.column_names[: len(CONTRACT)] == CONTRACT
    kinds = {field.name: field.type for field in table.schema}
    for name in ("signal_ts", "entry_ts", "exit_ts"):
        assert kinds[name] == pa.timestamp("us", tz="UTC")
    assert kinds["targets"] == pa.list_(pa.float64())
    assert kinds["failed_gates"] == pa.list_(pa.string())
    assert set(pc.list_value_length(table["targets"]).to_pylist()) == {3}
    for name, kind in kinds.items():
        if kind == pa.float64():
            assert not pc.any(pc.is_nan(table[name])).as_py(), name


def test_the_trades_explain_the_figures(tested: Program) -> None:
    """Announced and shadow, closed, their mean and what the gates saved: counted again from the file."""
    row, table = answered(tested), trades(answered(tested)).to_pylist()
    told = [trade for trade in table if not trade["shadow"]]
    closed = [trade["r"] for trade in told if trade["r"] is not None]
    assert (len(told), len(table) - len(told)) == (row["signals"], row["shadow_signals"])
    assert len(closed) == row["closed"]
    assert math.isclose(math.fsum(closed), row["total_r"], abs_tol=1e-9)
    assert row["open"] == sum(trade["exit_reason"] is None for trade in told)
    for gate in row["gates"]:
        alone = [t["r"] for t in table if t["failed_gates"] == [gate["gate"]] and t["r"] is not None]
        assert math.isclose(gate["saved_r"], -math.fsum(alone), abs_tol=1e-9)


def test_a_shadow_tells_its_gates_and_what_the_market_did(tested: Program) -> None:
    """``failed_gates`` is empty exactly for what was announced; ``exit_reason`` is the market's for both."""
    table = trades(answered(tested)).to_pylist()
    for trade in table:
        assert trade["shadow"] == bool(trade["failed_gates"])
        assert trade["exit_reason"] in MARKET_REASONS
        assert (trade["size"] is None) == (trade["shadow"] or trade["entry_ts"] is None)
        assert trade["entry_ts"] is None or trade["entry_ts"] > trade["signal_ts"]
        if trade["r"] is not None:
            side = 1 if trade["direction"] == "long" else -1
            gross = side * (trade["exit"] - trade["entry_fill"]) / abs(trade["entry"] - trade["stop"])
            assert math.isclose(trade["r"], gross - trade["fees_r"], rel_tol=1e-6, abs_tol=1e-6)
    assert any(trade["shadow"] and trade["exit_reason"] for trade in table)


def test_signals_lie_within_the_period(tested: Program) -> None:
    """The first signal on or after ``--from``, nothing known of any bar after ``--to``."""
    table = trades(answered(tested))
    assert pc.min(table["signal_ts"]).as_py() >= datetime(2017, 1, 1, tzinfo=UTC)
    assert pc.max(table["exit_ts"]).as_py() < datetime(2019, 1, 1, tzinfo=UTC)


def test_bars_after_the_last_day_do_not_exist(program: Program, tested: Program, tmp_path: Path) -> None:
    """Files that end with ``--to`` give the same figures and the same trades."""
    cut = []
    for path in (CRYPTO, EQUITY):
        table = pq.read_table(path)
        ends = pa.scalar(datetime(2018, 12, 31, tzinfo=UTC) + timedelta(days=1), table["ts"].type)
        cut.append(tmp_path / path.name)
        pq.write_table(table.filter(pc.less(table["ts"], ends)), cut[-1])
    words = ("--bars", cut[0], "--bars", cut[1], "--from", "2017-01-01", "--charts", 0, "--format", "json")
    row = clean(program("backtest", *words)).row
    files = {"trades_file", "report_file"}
    assert {k: v for k, v in row.items() if k not in files} == {
        k: v for k, v in answered(tested).items() if k not in files
    }
    assert trades(row).equals(trades(answered(tested)))


def test_the_report_links_to_the_charts_that_were_drawn(tested: Program) -> None:
    """Three pages with their pictures, each linked, each leading back."""
    folder = Path(answered(tested)["report_file"]).parent
    page = (folder / "report.html").read_text(encoding="utf-8")
    drawn = sorted((folder / "charts").glob("*.html"))
    assert len(drawn) == 3
    for chart in drawn:
        assert f'href="charts/{chart.name}"' in page
        assert chart.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert 'href="../report.html"' in chart.read_text(encoding="utf-8")


def test_people_get_tables_and_where_the_files_are(program: Program) -> None:
    """Totals, detectors, gates, the verdict, and the two paths in the last lines."""
    words = ("backtest", "--bars", CRYPTO, *PERIOD, "--charts", 0, "--out", "found")
    answer = clean(program(*words))
    assert answer.code == 0
    for said in ("Mean result", "Bullish engulfing", "volume", "Too few to say"):
        assert said in answer.out
    last = answer.out.splitlines()[-2:]
    assert [Path(line.split()[-1]) for line in last] == [
        program.folder / "found" / "trades.parquet",
        program.folder / "found" / "report.html",
    ]
    assert all(Path(line.split()[-1]).is_file() for line in last)
    assert not program.home.joinpath("backtest").exists()


def hours_of(day: dict[str, Any], path: Path) -> Path:
    """The day as hours: up to its high first, then down to its low, then flat."""
    opened, high, low, close = (day[name] for name in ("open", "high", "low", "close"))
    hours = [(opened, high, opened, high), (high, high, low, low), (low, close, low, close)]
    hours += [(close, close, close, close)] * 21
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for hour, prices in enumerate(hours):
            stamp = (day["ts"] + timedelta(hours=hour)).isoformat()
            file.write(f"{day['symbol']},{stamp},{','.join(map(repr, prices))},{1000 + hour}\n")
    return path


def test_finer_bars_settle_what_came_first(program: Program, tmp_path: Path) -> None:
    """Stop and target lie in one day, and its hours reached the target first: that trade ends better and is
    no longer ambiguous, and none that had ended before changes."""
    words = ("backtest", "--bars", CRYPTO, "--symbol", "ETH/USD", "--charts", 0, "--format", "json")
    coarse = clean(program(*words, "--out", "coarse")).row
    before = trades(coarse).to_pylist()
    (unclear,) = [row for row, trade in enumerate(before) if trade["ambiguous"] and not trade["shadow"]]
    bars = pq.read_table(CRYPTO).to_pylist()
    (day,) = [b for b in bars if (b["symbol"], b["ts"]) == ("ETH/USD", before[unclear]["exit_ts"])]
    fine = clean(program(*words, "--out", "fine", "--finer", hours_of(day, tmp_path / "hours.csv"))).row
    after = trades(fine).to_pylist()
    assert (coarse["ambiguous"], coarse["drilled"]) == (1, 0)
    assert (fine["ambiguous"], fine["drilled"]) == (0, 1)
    assert after[unclear]["drilled"]
    assert after[unclear]["r"] > before[unclear]["r"]
    ended = [row for row, trade in enumerate(before) if trade["exit_ts"] and trade["exit_ts"] < day["ts"]]
    assert [after[row] for row in ended] == [before[row] for row in ended]
    assert len(ended) > 10


def test_the_account_obeys_its_terms(program: Program) -> None:
    """One position at a time, of a tenth of the money: what was left out is counted."""
    words = ("--capital", 10_000, "--max-positions", 1, "--risk-pct", 0.5, "--charts", 0, "--format", "json")
    row = clean(program("backtest", "--bars", EQUITY, *PERIOD, *words)).row
    assert row["capital_usd"] == 10_000
    assert row["left_out"]["all positions taken"] > 0
    assert row["taken"] + sum(row["left_out"].values()) == row["signals"] - row["not_entered"] - sum(
        trade["entry_ts"] is None and trade["exit_reason"] is None and not trade["shadow"]
        for trade in trades(row).to_pylist()
    )


def test_a_named_strategy_is_tested(program: Program) -> None:
    """With its symbols; a name that there is not is told with the nearest; without a name, the first."""
    toml = '[strategies.slow]\nsymbols = ["LTC/USD"]\n[strategies.fast]\nsymbols = ["BTC/USD"]\n'
    (program.folder / "sentinel.toml").write_text(toml, encoding="utf-8")
    words = ("backtest", "--bars", CRYPTO, "--charts", 0, "--format", "json")
    first, named = clean(program(*words)).row, clean(program(*words, "--strategy", "fast")).row
    assert (first["strategy"], named["strategy"]) == ("slow", "fast")
    assert set(trades(named)["symbol"].to_pylist()) == {"BTC/USD"}
    assert one_line(program(*words, "--strategy", "fsat"), 2).endswith("the nearest known one is fast")
    said = one_line(program("backtest", "--bars", EQUITY), 2)
    assert "strategy slow trades LTC/USD" in said


def test_measured_odds_refuse_as_in_a_run(program: Program) -> None:
    """A strategy that asks for odds opens nothing without them, and something with those of earlier bars."""
    loose = "volume_ratio = 0.0\nrsi = 100.0\nreward_to_risk = 0.1\n"
    toml = f"[strategies.sure]\nmin_mean_r_lo = -10.0\n[strategies.sure.gates.normal]\n{loose}"
    (program.folder / "sentinel.toml").write_text(toml, encoding="utf-8")
    words = ("backtest", "--bars", CRYPTO, "--from", "2018-01-01", "--charts", 0, "--format", "json")
    without = clean(program(*words)).row
    assert without["signals"] == 0
    assert "most by evidence" in without["notes"][0]
    clean(program("evidence", "--bars", CRYPTO, "--to", "2017-12-31", "--out", "odds.parquet"))
    found = clean(program(*words, EVIDENCE_FILE=program.folder / "odds.parquet")).row
    assert found["signals"] > 0


def never(program: Program) -> Answer:
    toml = "[strategies.never.gates.normal]\nvolume_ratio = 1e9\n[strategies.never.gates.high]\n"
    (program.folder / "sentinel.toml").write_text(toml + "volume_ratio = 1e9\n", encoding="utf-8")
    return clean(program("backtest", "--bars", CRYPTO, "--format", "json"))


def test_a_strategy_that_never_trades_says_why(program: Program) -> None:
    """Done, with numbers or null everywhere, the gate that refused most, and a page that says so."""
    answer = never(program)
    row = answer.row
    assert (answer.code, row["signals"], row["closed"], row["mean_r"]) == (0, 0, 0, None)
    assert row["final_worth_usd"] == row["capital_usd"]
    assert "opened nothing on these bars" in row["notes"][0]
    assert "most by volume" in row["notes"][0]
    assert row["notes"][0] in answer.err
    assert "opened nothing on these bars" in Path(row["report_file"]).read_text(encoding="utf-8")
    assert trades(row).num_rows == row["shadow_signals"] > 0


def bars_of(path: Path, symbol: str, count: int, step: timedelta = timedelta(days=1)) -> Path:
    first = datetime(2018, 1, 1, tzinfo=UTC)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for place in range(count):
            price = 100 + place % 7
            stamp = (first + place * step).isoformat()
            file.write(f"{symbol},{stamp},{price},{price + 2},{price - 2},{price + 1},{1000 + place}\n")
    return path


def test_ten_bars_are_too_few_and_it_is_said(program: Program, tmp_path: Path) -> None:
    """Done, not failed: there were valid bars, and nothing could come of them."""
    answer = clean(program("backtest", "--bars", bars_of(tmp_path / "ten.csv", "TEN/USD", 10)))
    assert answer.code == 0
    assert "too few bars to open anything, which takes 251: TEN/USD (10)" in answer.err
    assert "opened nothing on these bars" in answer.out
    assert "nan" not in answer.out.lower()


def test_a_file_without_a_trade_is_a_trades_file_all_the_same(program: Program, tmp_path: Path) -> None:
    """No rows, every column with its type."""
    ten = bars_of(tmp_path / "ten.csv", "TEN/USD", 10)
    table = trades(clean(program("backtest", "--bars", ten, "--format", "json")).row)
    assert table.num_rows == 0
    assert table.column_names[: len(CONTRACT)] == CONTRACT


@pytest.mark.parametrize(
    "words",
    [("--from", "2031-01-01"), ("--to", "1999-12-31"), ("--from", "2018-05-02", "--to", "2018-05-01")],
)
def test_a_period_without_bars_is_a_usage_error(program: Program, words: tuple[str, ...]) -> None:
    """It names the period that the files hold."""
    said = one_line(program("backtest", "--bars", BUNDLED / "equity_daily.parquet", *words), 2)
    assert said.startswith("there is no bar between --from and --to: the bars files hold bars from ")


def test_bars_of_mixed_timeframes_are_told_by_symbol(program: Program, tmp_path: Path) -> None:
    """Hourly bars among daily ones: that symbol is an error, others are tested (exit 1). Alone: exit 2."""
    hourly = bars_of(tmp_path / "hourly.csv", "HOU/USD", 500, timedelta(hours=1))
    answer = clean(
        program("backtest", "--bars", CRYPTO, "--bars", hourly, "--charts", 0, "--format", "json", *PERIOD)
    )
    assert answer.code == 1
    assert [error["symbol"] for error in answer.row["errors"]] == ["HOU/USD"]
    assert answer.row["closed"] > 0
    assert "HOU/USD" in one_line(program("backtest", "--bars", hourly), 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--finer", str(HOURLY), "--finer-timeframe", "1Day"), "--finer-timeframe 1Day: must be shorter"),
        (("--timeframe", "1Week"), "'1Week' is not a timeframe"),
        (("--symbol", "NOPE/USD"), "NOPE/USD: is not in the bars files"),
        (("--out", "/proc/nowhere"), "cannot be written"),
    ],
)
def test_bad_usage_is_told_in_a_line(program: Program, words: tuple[str, ...], said: str) -> None:
    """Exit 2, nothing on stdout."""
    ten = bars_of(program.folder / "bars.csv", "TEN/USD", 10)
    answer = clean(program("backtest", "--bars", ten, *words))
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.said[-1]


def test_a_folder_that_cannot_be_written_leaves_the_old_files(program: Program, tested: Program) -> None:
    """A file in place of the folder for charts: an error, and the report of before is whole."""
    before = Path(answered(tested)["report_file"])
    assert json.dumps(answered(tested), allow_nan=False)
    copy = program.folder / "out"
    copy.mkdir()
    (copy / "report.html").write_bytes(before.read_bytes())
    (copy / "charts").write_text("in the way", encoding="utf-8")
    answer = clean(program("backtest", "--bars", CRYPTO, *PERIOD, "--out", copy))
    assert (answer.code, answer.out) == (2, "")
    assert "cannot be written" in answer.said[-1]
    assert (copy / "report.html").read_bytes() == before.read_bytes()
    assert not list(copy.glob(".*"))
