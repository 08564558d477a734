"""TA-Lib without pandas, and with it for those who want it."""

import subprocess
import sys

import numpy as np
import pytest

from crypto_signals.analysis.plain_talib import talib


def test_functions_take_and_give_arrays() -> None:
    """Nothing is wrapped around a function, not even where TA-Lib was imported beside pandas before."""
    assert not hasattr(talib.SMA, "__wrapped__")
    assert talib.SMA(np.arange(5.0), 3).tolist()[2:] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("first", ["crypto_signals.analysis.plain_talib", "talib"])
def test_others_still_get_talib_for_pandas(first: str) -> None:
    """Who imports TA-Lib, before us or after us, may give it what pandas has."""
    pytest.importorskip("pandas")
    code = (
        f"import {first}\nimport crypto_signals.analysis.plain_talib\nimport pandas, talib\n"
        "print(type(talib.SMA(pandas.Series([1.0, 2.0, 3.0]), 2)).__name__)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "Series\n"
