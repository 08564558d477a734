#!/bin/sh
# Compiles what runs need, so that they find it: every kernel, where compile_cache.py looks for what was shipped,
# and each module that is imported. warm.sh ENVIRONMENT
set -eu
PATH=$1/bin:$PATH
XDG_CACHE_HOME=$1/share
MPLCONFIGDIR=$(mktemp -d)
SENTINEL_HOME=$(mktemp -d)
export PATH XDG_CACHE_HOME MPLCONFIGDIR SENTINEL_HOME
cd "$1"/lib/python3*/site-packages/crypto_signals/data

sentinel demo --days 30 >/dev/null
sentinel scan --bars equity_daily.parquet >/dev/null
sentinel backtest --bars crypto_daily.parquet --finer crypto_hourly.parquet --out "$SENTINEL_HOME/backtest" >/dev/null
sentinel evidence --bars crypto_daily.parquet --bars equity_daily.parquet --out "$SENTINEL_HOME/evidence.parquet" >/dev/null

# A module is compiled before it runs, so that it matters little that some cannot: they want an extra, or a caller.
python -c "
import importlib, pkgutil, crypto_signals
for module in pkgutil.walk_packages(crypto_signals.__path__, 'crypto_signals.', lambda name: None):
    try:
        importlib.import_module(module.name)
    except Exception:
        pass
"

# Valid whatever becomes of the times of files on their way into an image.
find "$1/lib" -name '*.pyc' | sed 's|__pycache__/\([^/]*\)\.cpython-[0-9]*\.pyc$|\1.py|' |
  python -m compileall -q -f --invalidation-mode unchecked-hash -i -
rm -r "$MPLCONFIGDIR" "$SENTINEL_HOME"
