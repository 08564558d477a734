"""Google's own emulator of Firestore as a real process, and one empty database in it for each test."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from google.cloud.firestore import Client

from crypto_signals.repository.firestore import calls
from repository.backends import Backend

JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
SMALL = ("-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en")
START_S = 60


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The address of an emulator of this session's own."""
    jar = find_jar()
    if jar is None:
        missing = (
            "Google's emulator of Firestore is missing: gcloud components install cloud-firestore-emulator"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with running(jar) as host:
        yield host


def find_jar() -> Path | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    command = [gcloud, "info", "--format=value(installation.sdk_root)"]
    root = subprocess.run(command, capture_output=True, text=True, check=True, timeout=START_S).stdout.strip()
    return Path(root) / JAR if (Path(root) / JAR).exists() else None


@contextmanager
def running(jar: Path) -> Iterator[str]:
    """Java itself, since what gcloud starts outlives gcloud. Where the system can do that, it ends with the
    tests, however they end."""
    setpriv = shutil.which("setpriv")
    ending = [setpriv, "--pdeathsig=TERM"] if setpriv else []
    host = f"127.0.0.1:{free_port()}"
    command = [*ending, "java", *SMALL, "-cp", str(jar), MAIN, "start", "--database-mode=firestore-native"]
    where = [f"--host={host.partition(':')[0]}", f"--port={host.partition(':')[2]}"]
    process = subprocess.Popen(
        [*command, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(host, process)
        yield host
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(host: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the emulator of Firestore ended with {process.returncode}")
        try:
            if httpx.get(f"http://{host}/").text.strip() == "Ok":
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"the emulator of Firestore did not answer within {START_S} s")


@dataclass(frozen=True, slots=True)
class FirestoreBackend:
    """A project that nobody has used before: what earlier tests or emulators left is not in it."""

    project: str
    host: str

    @property
    def url(self) -> str:
        return f"firestore://{self.project}"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"FIRESTORE_EMULATOR_HOST": self.host}

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Past the store. Expects ``environment`` to be set."""
        client = Client(project=self.project)
        yield client
        client.close()

    def damage(self, table: str, key: str) -> None:
        with self.client() as client:
            if table == "signals":
                client.document("signals", key).update({"body": '{"signal_id": broken'})
            if table == "events":
                signal_id, _, seq = key.rpartition("/")
                document = client.document("signals", signal_id)
                events = document.get().get("events")
                (event,) = (one for one in events if one["seq"] == int(seq))
                event["body"] = '{"type": "unheard of"}'
                document.update({"events": events})
            if table == "effects":
                client.document("effects", key.replace("/", "%2F")).update({"settles_at": "tomorrow"})
            if table == "watermarks":
                strategy, timeframe, symbol = key.split("/", 2)
                document = client.document("watermarks", f"{strategy}|{timeframe}")
                marks = json.loads(zlib.decompress(document.get().get("marks")))
                marks[symbol][1] = "yesterday"
                document.update({"marks": zlib.compress(json.dumps(marks).encode())})


@pytest.fixture
def firestore_backend(
    emulator: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backend]:
    """What a test leaves is thrown away to keep the emulator small, not to keep it from the next one. In the
    long forms the store is patient: without indexes, the emulator reads every document for every query."""
    if request.node.get_closest_marker("soak"):
        monkeypatch.setattr(calls, "PATIENCE_S", 120.0)
    made = FirestoreBackend(f"test-{uuid4().hex[:12]}", emulator)
    yield made
    documents = f"projects/{made.project}/databases/(default)/documents"
    httpx.delete(f"http://{emulator}/emulator/v1/{documents}", timeout=60).raise_for_status()
