"""How fast requests go: by the setting, by what the service's headers say, and by the run's own time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from crypto_signals.domain.errors import SourceFailed
from crypto_signals.market.pace import Pace


class Hand:
    """A clock that stands until someone waits."""

    def __init__(self, until: float = 1e9) -> None:
        self.now, self.until = 1000.0, until
        self._lock = Lock()

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        with self._lock:
            if self.now + seconds > self.until:
                return False
            self.now += seconds
            return True


def sent(pace: Pace, hand: Hand, count: int) -> list[float]:
    """When each of ``count`` requests went, in seconds since the first could."""
    times = []
    for _ in range(count):
        pace.take()
        times.append(hand.now - 1000.0)
    return times


def headers(left: int, seconds: float) -> dict[str, str]:
    return {
        "Date": "Thu, 01 Jan 1970 00:16:40 GMT",
        "X-RateLimit-Limit": "200",
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(int(1000 + seconds)),
    }


def test_so_many_a_minute() -> None:
    """As many at once as a minute allows, and never more in any minute."""
    hand = Hand()
    times = sent(Pace(5, None, hand.wait, hand), hand, 12)
    assert times == [0] * 5 + [60] * 5 + [120] * 2


def test_a_delay_wins() -> None:
    """With RATE_LIMIT_DELAY set, the number a minute and what the headers say is left no longer count."""
    hand = Hand()
    pace = Pace(1, 2.0, hand.wait, hand)
    pace.heard(headers(left=0, seconds=50))
    assert sent(pace, hand, 4) == [0, 2, 4, 6]


def test_the_service_says_less_is_left() -> None:
    """Others use the same keys: after the last request that is left, nothing goes before the reset."""
    hand = Hand()
    pace = Pace(200, None, hand.wait, hand)
    pace.heard(headers(left=2, seconds=30))
    times = sent(pace, hand, 4)
    assert times[:2] == [0, 0]
    assert 31 <= times[2] <= 32
    assert times[3] == times[2]


def test_answers_that_overtake_each_other() -> None:
    """The least that is left counts, whichever answer came last; a new window counts anew."""
    hand = Hand()
    pace = Pace(200, None, hand.wait, hand)
    pace.heard(headers(left=1, seconds=30))
    pace.heard(headers(left=4, seconds=30))
    assert [at > 0 for at in sent(pace, hand, 2)] == [False, True]
    pace.heard(headers(left=3, seconds=90))
    assert len(set(sent(pace, hand, 3))) == 1


def test_a_refusal_stops_everyone() -> None:
    """After a 429 nothing goes before the time that was told."""
    hand = Hand()
    pace = Pace(200, 0.5, hand.wait, hand)
    pace.refused(20)
    assert sent(pace, hand, 1) == [20]


@pytest.mark.parametrize("text", ["soon", "-3", "1e9", "", "１"])
def test_headers_that_make_no_sense(text: str) -> None:
    """They are as good as none."""
    hand = Hand()
    pace = Pace(200, None, hand.wait, hand)
    pace.heard({"X-RateLimit-Remaining": text, "X-RateLimit-Reset": text})
    assert sent(pace, hand, 3) == [0, 0, 0]


def test_the_run_must_end_before() -> None:
    """Where the budget does not allow the wait, or someone asked the run to stop, it says so at once."""
    hand = Hand(until=1010.0)
    pace = Pace(1, None, hand.wait, hand)
    pace.take()
    with pytest.raises(SourceFailed, match="the next request may go in 60 s"):
        pace.take()
    with pytest.raises(SourceFailed, match="no time is left"):
        Pace(1, None, lambda _: False).take()


def test_threads_share_one_pace() -> None:
    """However many ask, no minute has more than it may."""
    hand = Hand()
    pace = Pace(10, None, hand.wait, hand)
    times: list[float] = []

    def ask(_: int) -> None:
        pace.take()
        times.append(hand.now)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(40)))
    assert hand.now - 1000.0 >= 180.0
