"""Lives of the real program: runs on chosen days, killed at random moments, and always carried on."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crypto_signals.domain.signals import Progress
from crypto_signals.engine.ports import Story
from crypto_signals.repository.opening import open_store
from e2e.program import CRYPTO, Answer, Program, clean
from proofs.told import Verdict, judge
from simulator.simulator_fixtures import DiscordSimulator

EVE = "2018-06-14"
DAYS = tuple(
    f"2018-{day}"
    for day in (
        *("06-15", "06-16", "06-23", "07-24", "07-25", "08-01", "08-15", "08-16", "08-28", "09-02", "09-07"),
        *("09-09", "09-14", "09-15", "09-28", "09-29", "10-12", "10-16", "10-17", "10-30", "11-05", "11-06"),
        *("11-12", "11-13", "11-15", "11-16", "11-17", "11-20", "11-24", "11-25", "12-08", "12-09", "12-21"),
        *("12-22", "12-25", "12-26"),
    )
)
"""The days of 2018 on which the bundled crypto bars give people something to be told."""

REPLY_S = 0.12
"""How long the stand-in takes to answer, so that kills also fall between a request and its answer."""
SETTLE_S = 0.5
COLD_S = 280
"""How long a run may take that has to compile every kernel."""


@dataclass(frozen=True)
class Kind:
    """A kind of channel: the settings that lead to it, and whether it can be asked what it holds."""

    name: str
    settings: Callable[[DiscordSimulator], Mapping[str, str]]
    can_find: bool


def _by_bot(channel: str) -> Callable[[DiscordSimulator], Mapping[str, str]]:
    return lambda discord: {
        "DISCORD_BOT_TOKEN": discord.bot_token,
        "DISCORD_API_URL": discord.discord_api_url,
        "DISCORD_CHANNEL_ID_TEST": getattr(discord, channel),
    }


FORUM = Kind("forum", lambda discord: {"TEST_DISCORD_WEBHOOK": discord.forum_webhook}, can_find=False)
TEXT = Kind("text", lambda discord: {"TEST_DISCORD_WEBHOOK": discord.text_webhook}, can_find=False)
BOT_FORUM = Kind("bot in a forum", _by_bot("forum_channel_id"), can_find=True)
BOT_TEXT = Kind("bot in a text channel", _by_bot("text_channel_id"), can_find=True)
KINDS = (FORUM, TEXT, BOT_FORUM, BOT_TEXT)
SLOW = {
    "fault": "slow",
    "seconds": REPLY_S,
    "times": None,
    "method": "POST",
    "path": "/webhooks/|/messages$|/threads$",
}


def eve(folder: Path) -> Program:
    """The state of the day before the first of ``DAYS``: everything seen, nothing announced, and nothing that
    will be deleted before it can be judged."""
    folder.mkdir(parents=True, exist_ok=True)
    program = Program(folder, {"BARS_URL": f"file:{CRYPTO}", "SIGNAL_TTL_DAYS": "3650"}).without_notices()
    assert clean(run(program, f"{EVE}T00:05:00Z")).code == 0
    return program


def run(program: Program, now: str, **settings: object) -> Answer:
    return program.finish(start(program, now, **settings), COLD_S)


def start(
    program: Program, now: str, command: Sequence[str] = ("-m", "crypto_signals"), **settings: object
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command, "run", "--format", "json"],
        cwd=program.folder,
        env=program.environment(SENTINEL_NOW=now, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class Life:
    """One store over some days, with ``kills`` kills spread over them, several a day before a run is let
    through. Now and then no run of a day gets through, and the next day catches up."""

    program: Program
    simulator: DiscordSimulator
    kind: Kind
    kills: int
    rng: random.Random
    where: Counter[str] = field(default_factory=Counter)
    whole_s: float = 3.0
    acting_s: float = 1.0

    @property
    def killed(self) -> int:
        return self.where.total()

    def live(self, days: Sequence[str]) -> Verdict:
        """Lives through the days, then rests; gives what the store and the channel say about it."""
        self.program.settings |= {**self.kind.settings(self.simulator), "SETTLE_SECONDS": str(SETTLE_S)}
        self.simulator.faults([SLOW])
        for number, day in enumerate(days, 1):
            share = (self.kills - self.killed) / (len(days) - number + 1)
            last = number == len(days)
            self._live_through(day, self.kills if last else self.rng.randint(1, max(1, round(2 * share) - 1)))
        last = clean(self._let_through(f"{days[-1]}T02:00:00Z"))
        assert (last.code, last.row["owed"], last.row["unknown"]) == (0, 0, 0), last.everything
        return judge(stored(self.program), self.simulator.threads(), can_find=self.kind.can_find)

    def _live_through(self, day: str, kills: int) -> None:
        minutes, goal, fresh = 5, min(self.kills, self.killed + kills), True
        while self.killed < goal:
            self._kill_one(f"{day}T00:{minutes:02}:00Z", may_ask=fresh or self._owes())
            minutes, fresh = min(59, minutes + self.rng.choice((0, 0, 1, 5))), False
        if self.killed >= self.kills or self.rng.random() < 0.85:
            answer = clean(self._let_through(f"{day}T00:{minutes:02}:00Z"))
            assert answer.code in (0, 1), answer.everything
            assert (answer.row["owed"], answer.row["unknown"]) == (0, 0), answer.everything

    def _let_through(self, now: str) -> Answer:
        began = time.monotonic()
        process = start(self.program, now)
        if self._wait(process, lambda: self._holds(process), 60):
            held = time.monotonic()
            answer = self.program.finish(process)
            self.acting_s = 0.5 * self.acting_s + 0.5 * (time.monotonic() - held)
        else:
            answer = self.program.finish(process)
        self.whole_s = 0.5 * self.whole_s + 0.5 * (time.monotonic() - began)
        return answer

    def _kill_one(self, now: str, *, may_ask: bool) -> None:
        """kill -9: at any time, while it acts, or soon after a request has reached the channel."""
        kind = self.rng.choices(("any time", "acting", "asking"), weights=(1, 3, 5 if may_ask else 0))[0]
        before, process = self._asked(), start(self.program, now)
        if kind == "any time":
            delay = self.rng.uniform(0, self.whole_s)
        elif kind == "acting":
            self._wait(process, lambda: self._holds(process), 60)
            delay = self.rng.uniform(0, self.acting_s)
        else:
            self._wait(process, lambda: self._asked() > before, 60)
            delay = self.rng.uniform(0, 3 * REPLY_S)
        self._wait(process, lambda: False, delay)
        process.kill()
        if self.program.finish(process).code == -signal.SIGKILL:
            self.where[kind] += 1

    def _wait(self, process: subprocess.Popen[str], true: Callable[[], bool], seconds: float) -> bool:
        """Until it is true, the process ends or the time is over; gives whether it is true."""
        deadline = time.monotonic() + seconds
        while not (happened := true()) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(min(0.005, max(0.0, deadline - time.monotonic())))
        return happened

    def _owes(self) -> bool:
        owed = "SELECT count(*) FROM effects WHERE status IN ('owed', 'claimed', 'unknown')"
        with closing(sqlite3.connect(self.program.home / "sentinel.db")) as store:
            return bool(store.execute(owed).fetchone()[0])

    def _holds(self, process: subprocess.Popen[str]) -> bool:
        return holds(self.program, process)

    def _asked(self) -> int:
        return asked(self.simulator)


def holds(program: Program, process: subprocess.Popen[str]) -> bool:
    """Whether the process has the state folder for itself."""
    lock = program.home / "lock"
    return lock.exists() and lock.read_text(encoding="utf-8") == f"process {process.pid}\n"


def asked(simulator: DiscordSimulator) -> int:
    """How many messages have reached the stand-in, answered or not."""
    rules: list[dict[str, Any]] = simulator.client.get(f"{simulator.url}/simulator/faults").json()
    return max((rule["seen"] for rule in rules), default=0)


def stored(program: Program) -> list[Story]:
    store = open_store(program.settings.get("STORE_URL", f"sqlite:///{program.home / 'sentinel.db'}"))
    try:
        stories = [Story(*store.signal(signal.signal_id)) for signal in store.signals()]
        assert store.unreadable() == []
        return stories
    finally:
        store.close()


def market_truth(program: Program) -> dict[str, Progress]:
    """What the market did, which no kill may change."""
    return {story.signal.signal_id: story.signal.progress for story in stored(program)}


def undisturbed(eve: Program, folder: Path, last_day: str) -> dict[str, Progress]:
    """The same days in one run that nobody disturbs, told to the console."""
    program = eve.copy(folder)
    assert clean(run(program, f"{last_day}T02:00:00Z")).code in (0, 1)
    return market_truth(program)
