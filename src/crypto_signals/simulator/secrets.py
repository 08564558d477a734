"""A stand-in for Google Secret Manager over gRPC: secrets by name, and what it was asked for."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.cloud.secretmanager_v1 import types

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
DISABLED, FORBIDDEN = "(disabled)", "(forbidden)"
"""Values of secrets whose latest version is disabled, and that this account may not read."""


@dataclass(slots=True)
class SecretsStandIn:
    """Serves ``secrets`` of ``project``; ``asked`` are the names, in order. ``failure`` answers all."""

    project: str
    secrets: Mapping[str, str]
    failure: grpc.StatusCode | None = None
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def access(
        self, request: types.AccessSecretVersionRequest, context: grpc.ServicerContext
    ) -> types.AccessSecretVersionResponse:
        """The latest version of one secret, or Google's refusal."""
        _, project, _, name, *_ = request.name.split("/")
        self.asked.append(name)
        value = self.secrets.get(name) if project == self.project else FORBIDDEN
        if self.failure is not None:
            context.abort(self.failure, "as told")
        if value == FORBIDDEN:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, f"Permission denied on {request.name}")
        if value == DISABLED:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{request.name} is in DISABLED state.")
        if value is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Secret [{request.name}] not found")
        payload = types.SecretPayload(data=str(value).encode())
        return types.AccessSecretVersionResponse(name=request.name, payload=payload)


@contextmanager
def served(stand_in: SecretsStandIn) -> Iterator[SecretsStandIn]:
    """The stand-in on a free port of loopback while the block lasts."""
    server = grpc.server(ThreadPoolExecutor(8))
    handler = grpc.unary_unary_rpc_method_handler(
        stand_in.access,
        request_deserializer=types.AccessSecretVersionRequest.deserialize,
        response_serializer=types.AccessSecretVersionResponse.serialize,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {"AccessSecretVersion": handler}),)
    )
    stand_in.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield stand_in
    finally:
        server.stop(grace=None).wait()
