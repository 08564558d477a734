"""What can be traded, as Alpaca's trading API lists it; asked once a day, and kept in the state folder."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from crypto_signals.domain.errors import SourceFailed
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.alpaca_client import AlpacaClient

_CLASSES = {AssetClass.CRYPTO: "crypto", AssetClass.EQUITY: "us_equity"}
_PATH = "/v2/assets"
MOST_NEAREST = 3


class DayList:
    """A list of symbols that holds for a day. A file that cannot be read, or written, is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, day: str | None) -> tuple[str, ...] | None:
        """The list of that day, or of whatever day it is."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            symbols, of_day = stored["symbols"], stored["day"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            return None
        return tuple(symbols) if day is None or day == of_day else None

    def keep(self, day: str, symbols: Sequence[str]) -> None:
        draft = self._path.with_suffix(".draft")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({"day": day, "symbols": list(symbols)}), encoding="utf-8")
            draft.replace(self._path)
        except OSError:
            return


class Assets:
    """Which symbols are active and tradable. ``connect`` is called once they are asked for; ``now`` says
    what day it is."""

    def __init__(
        self, connect: Callable[[], AlpacaClient], folder: Path, now: Callable[[], datetime]
    ) -> None:
        self.folder, self._now = folder, now
        self._connect = connect
        self._client: AlpacaClient | None = None

    def close(self) -> None:
        """Gives the connection back, if there is one."""
        if self._client is not None:
            self._client.close()

    @property
    def now(self) -> datetime:
        return self._now()

    @property
    def today(self) -> str:
        return f"{self._now():%Y-%m-%d}"

    def tradable(self, kind: AssetClass) -> tuple[str, ...]:
        """Asked for once a day. Raises ``SourceFailed``."""
        kept = DayList(self.folder / f"assets-{kind.value}.json")
        known = kept.of(self.today)
        if known is None:
            self._client = self._client or self._connect()
            answer = self._client.get(_PATH, {"status": "active", "asset_class": _CLASSES[kind]})
            known = _symbols(answer)
            if known:
                kept.keep(self.today, known)
        return known


def _symbols(answer: object) -> tuple[str, ...]:
    """Whatever else an asset says, and whatever is missing."""
    if not isinstance(answer, list):
        raise SourceFailed("Alpaca's list of assets is no list")
    return tuple(
        sorted(
            asset["symbol"]
            for asset in answer
            if isinstance(asset, Mapping)
            and isinstance(asset.get("symbol"), str)
            and asset.get("status", "active") == "active"
            and asset.get("tradable") is True
        )
    )


def nearest(symbol: str, known: Sequence[str]) -> list[str]:
    """The known symbols that one may have meant; of pairs, what is bought counts. None for one that is known.

    >>> nearest("APPL", ["AAPL", "MSFT", "BTC/USD"]), nearest("BCT/USD", ["ETH/USD", "BTC/USD"])
    (['AAPL'], ['BTC/USD'])
    """
    if symbol in known:
        return []
    bases = {own.partition("/")[0]: own for own in known if ("/" in own) == ("/" in symbol)}
    found = get_close_matches(symbol.partition("/")[0].upper(), bases, MOST_NEAREST)
    return [bases[base] for base in found]
