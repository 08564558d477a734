"""Detectors of one's own: found in files and entry points, judged once, refused in one line."""

import json
import time
from pathlib import Path

import pytest

from crypto_signals import __version__
from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.domain.errors import UsageError
from crypto_signals.plugins import find_sources, plugins, unjudged_catalogue
from crypto_signals.plugins.sources import Source, fingerprint
from crypto_signals.plugins.verdicts import judge

from .files import HEAD, HONEST, PEEKING, written


def test_nothing_of_ones_own_is_the_built_in_catalogue(tmp_path: Path) -> None:
    """Without files and entry points nothing is loaded and nothing is written."""
    with plugins([], tmp_path / "home") as found:
        assert found.catalogue is CATALOGUE
        assert found.faults == []
    assert not (tmp_path / "home").exists()


def test_an_honest_detector_is_used_and_a_cheat_is_refused(tmp_path: Path) -> None:
    """Of one file, the detector that passes the kit is used; the other is named, with check and bar."""
    path = written(tmp_path, HONEST, PEEKING)
    with plugins([path], tmp_path) as found:
        assert "honest_dip" in found.catalogue
        assert "peeking_dip" not in found.catalogue
        assert found.refused == {"peeking_dip"}
        (fault,) = found.faults
    assert fault.detector == "peeking_dip"
    assert fault.what.startswith("is not used: causal: ")
    assert "bar " in fault.what
    assert "sentinel audit --detector peeking_dip" in fault.what


def test_a_verdict_is_kept_by_content_and_version(tmp_path: Path) -> None:
    """The second program does not judge again; a changed file is judged anew."""
    path = written(tmp_path, HONEST)
    with plugins([path], tmp_path):
        pass
    kept = json.loads((tmp_path / "detectors.json").read_text())
    key = f"{__version__} {fingerprint(Source(path))}"
    assert kept == {key: {"honest_dip": ""}}
    started = time.monotonic()
    with plugins([path], tmp_path) as found:
        assert "honest_dip" in found.catalogue
    assert time.monotonic() - started < 0.5
    written(tmp_path, PEEKING)
    with plugins([path], tmp_path) as found:
        assert found.refused == {"peeking_dip"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:\n", "line 1: invalid syntax"),
        ("import no_such_module_here\n", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("answer = 42\n", "holds no detector; decorate a function"),
        (HEAD + HONEST.replace("honest_dip", "hammer"), "the name hammer is taken by the built-in catalogue"),
        (
            "from crypto_signals.analysis.catalogue import CATALOGUE\nmine = CATALOGUE['double_bottom']\n",
            "holds no detector",
        ),
        (HEAD + HONEST.replace('"honest_dip"', '"Honest Dip"'), "is not snake_case"),
        (HEAD + HONEST.replace('"honest_dip"', '"h" * 65'), "is not snake_case of at most 64 letters"),
        (HEAD.replace("300", "-1") + HONEST, "warm_up_bars=-1 is not a whole number from 0 to 20000"),
        (HEAD.replace("300", "10**9") + HONEST, "warm_up_bars=1000000000 is not a whole number from 0"),
        (
            HEAD.replace("300", "300, gates=('volum',)") + HONEST,
            "there is no gate 'volum'; there are volume,",
        ),
        (HEAD.replace("Direction.LONG", "'up'") + HONEST, "'up' is not a valid Direction"),
        (HEAD.replace("Family.CANDLESTICK", "'candle'") + HONEST, "'candle' is not a valid Family"),
        (HEAD.replace('"For tests."', "None") + HONEST, "definition=None is not a line of text"),
        ("a = '\0'\n", "is not Python: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    """Each says the file, what is wrong and, where it is not plain, what to do; nothing is half loaded."""
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised, plugins([path], tmp_path):
        pass
    (problem,) = raised.value.problems
    assert problem.startswith(f"{path}: ")
    assert says in problem
    assert "\n" not in problem


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    """A missing file and a name that two files claim are both listed."""
    first, second = written(tmp_path, HONEST, name="a.py"), written(tmp_path, HONEST, name="b.py")
    with pytest.raises(UsageError) as raised:
        unjudged_catalogue(find_sources([first, tmp_path / "none.py", second]))
    missing, taken = raised.value.problems
    assert "none.py: cannot be read: No such file or directory" in missing
    assert taken == f"{second}: the name honest_dip is taken by {first}; rename the detector"


def test_an_installed_package_brings_its_detectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of the group is found, judged and used like a file."""
    written(tmp_path, HONEST, name="packaged_patterns.py")
    info = tmp_path / "packaged_patterns-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged-patterns\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crypto_signals.detectors]\nmine = packaged_patterns\n")
    monkeypatch.syspath_prepend(tmp_path)
    with plugins([], tmp_path) as found:
        assert "honest_dip" in found.catalogue
        assert found.faults == []


HANGING = """
@named("hangs_in_compiled_code")
def hangs_in_compiled_code(study: Study) -> Hits:
    return 7 ** 7 ** 10
"""


def test_what_cannot_be_interrupted_is_ended_with_its_process(tmp_path: Path) -> None:
    """A detector that never returns from compiled code fails; the one after it in the file is judged."""
    verdict = judge(Source(written(tmp_path, HANGING, HONEST)), patience_s=8)
    assert "did not come back within 8 s" in verdict["hangs_in_compiled_code"]
    assert verdict["honest_dip"] == ""


def test_a_crash_is_kept_out_of_this_process(tmp_path: Path) -> None:
    """A detector that kills its process fails with the signal's name."""
    crash = HONEST.replace("return lower_lows(study)", "import os; os.kill(os.getpid(), 11)")
    verdict = judge(Source(written(tmp_path, crash)))
    assert "SIGSEGV" in verdict["honest_dip"]


def test_a_memory_of_the_first_symbol_is_found(tmp_path: Path) -> None:
    """What it says must not hang on what it was asked before it."""
    remembering = HONEST.replace(
        "    return lower_lows(study)",
        "    _SEEN.append(study.series.symbol)\n"
        "    return lower_lows(study) if study.series.symbol == _SEEN[0] else Hits.none()",
    )
    verdict = judge(Source(written(tmp_path, "_SEEN = []\n", remembering)))
    assert verdict == {"honest_dip": "deterministic: says something else in another process"}
