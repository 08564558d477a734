"""Settings that are kept in Google Secret Manager, each as a secret of the setting's name.

Google's library is loaded where a project is named, and by nobody else. Only the names of our own settings
are asked for, those that the environment does not answer already.
"""

import os
import warnings
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

EMULATOR = "SECRET_MANAGER_EMULATOR_HOST"
"""HOST:PORT of a stand-in to ask instead, unencrypted and without credentials."""
TRY_S: Final = 3.0
IN_ALL_S: Final = 8.0
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was found: ``values`` by the names of the settings, and which ones this account may not read."""

    project: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    denied: frozenset[str] = frozenset()


def ask(project: str, kind: type[BaseSettings], names: Collection[str], problems: list[str]) -> Secrets:
    """The secrets of ``project`` for those settings of ``kind`` that ``names`` lists.

    Bounded in time. That nothing could be asked at all is added to ``problems``.
    """
    try:
        return _asked(project, kind, names, problems)
    except ModuleNotFoundError:
        problems.append(
            "GOOGLE_CLOUD_PROJECT is set, and Google's library for Secret Manager is an extra: "
            "pip install crypto-sentinel[gcp], or set DISABLE_SECRET_MANAGER=true"
        )
    return Secrets(project)


def _asked(project: str, kind: type[BaseSettings], names: Collection[str], problems: list[str]) -> Secrets:
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - an extra, and slow
    from pydantic_settings import GoogleSecretManagerSettingsSource  # noqa: PLC0415

    try:
        client = _client()
    except GoogleAuthError:
        problems.append(
            f"Secret Manager of project {project}: there are no Google credentials; "
            "run gcloud auth application-default login, or set DISABLE_SECRET_MANAGER=true"
        )
        return Secrets(project)
    answers = _Answers(client, project, names)
    problems += answers.problems()
    client_like = cast("SecretManagerServiceClient", answers)
    source = GoogleSecretManagerSettingsSource(kind, project_id=project, secret_client=client_like)
    return Secrets(project, {name: value for name, value in source().items() if value}, answers.denied)


def _client() -> "SecretManagerServiceClient":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from google.cloud.secretmanager import SecretManagerServiceClient  # noqa: PLC0415
    if not (address := os.environ.get(EMULATOR)):
        return SecretManagerServiceClient()
    import grpc  # noqa: PLC0415
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (  # noqa: PLC0415
        SecretManagerServiceGrpcTransport,
    )

    channel = grpc.insecure_channel(address)
    return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


class _Answers:
    """All answers, fetched at once and within bounds, in the shape of the client that the source asks."""

    def __init__(self, client: "SecretManagerServiceClient", project: str, names: Collection[str]) -> None:
        self._client, self._project = client, project
        self._unreachable: str | None = None
        paths = [self.secret_version_path(project, name, "latest") for name in names]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._all = dict(zip(paths, pool.map(self._fetched, paths), strict=True))

    def common_project_path(self, project: str) -> str:
        return self._client.common_project_path(project)

    def secret_version_path(self, project: str, name: str, version: str) -> str:
        return self._client.secret_version_path(project, name.upper(), version)

    def access_secret_version(self, name: str) -> Any:
        """What ``name`` was answered with; what was not asked for is not there."""
        from google.api_core.exceptions import NotFound  # noqa: PLC0415

        answer = self._all.get(name) or NotFound(name)  # type: ignore[no-untyped-call]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def denied(self) -> frozenset[str]:
        """An account that may read some secrets only is refused all others, also those that do not exist."""
        from google.api_core.exceptions import Forbidden  # noqa: PLC0415

        return frozenset(_name(path).lower() for path, a in self._all.items() if isinstance(a, Forbidden))

    def problems(self) -> list[str]:
        from google.api_core.exceptions import FailedPrecondition  # noqa: PLC0415

        where = f"Secret Manager of project {self._project}"
        if self._unreachable is not None:
            return [f"{where}: cannot be asked: {self._unreachable}"]
        if self._all and len(self.denied) == len(self._all):
            return [f"{where}: this account may read no secret; grant it roles/secretmanager.secretAccessor"]
        return [
            f"{_name(path)}: {where} has it, but its latest version is disabled or destroyed"
            for path, answer in self._all.items()
            if isinstance(answer, FailedPrecondition)
        ]

    def _fetched(self, path: str) -> Any:
        """An answer or an error; where nobody can be reached, the rest is not asked for."""
        from google.api_core import exceptions, retry  # noqa: PLC0415
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

        if self._unreachable is not None:
            return None
        again = retry.Retry(
            retry.if_exception_type(exceptions.ServiceUnavailable), initial=0.2, maximum=1.0, timeout=IN_ALL_S
        )
        try:
            answer = self._client.access_secret_version(name=path, retry=again, timeout=TRY_S)
        except (exceptions.NotFound, exceptions.Forbidden, exceptions.FailedPrecondition) as said:
            return said
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            self._unreachable = _in_short(error)
            return None
        answer.payload.data = answer.payload.data.strip()
        return answer


def _in_short(error: Exception) -> str:
    code = getattr(error, "grpc_status_code", None)
    known = {"UNAVAILABLE": "it cannot be reached", "DEADLINE_EXCEEDED": "it did not answer in time"}
    if type(error).__name__ == "RetryError":
        return "it cannot be reached"
    return known.get(code.name, code.name) if code is not None else type(error).__name__


def _name(path: str) -> str:
    return path.split("/")[3]
