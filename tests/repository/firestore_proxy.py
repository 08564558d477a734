"""A gRPC server between the store and the emulator: it passes calls on, keeps what was asked, and fails on
demand where networks fail."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

COMMIT = "/google.firestore.v1.Firestore/Commit"
RUN_QUERY = "/google.firestore.v1.Firestore/RunQuery"

Fault = Callable[[Callable[[], bytes], grpc.ServicerContext], bytes]
"""What becomes of one commit, given the way to pass it on."""


class Proxy(grpc.GenericRpcHandler):
    """``faults`` are used up by the next commits, one each; ``refusal`` is the answer to every query."""

    def __init__(self, upstream: str) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.faults: list[Fault] = []
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        self._channel = grpc.insecure_channel(upstream)
        self._server = grpc.server(ThreadPoolExecutor(8), handlers=(self,))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait()
        self._channel.close()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        if details.method == COMMIT:
            return grpc.unary_unary_rpc_method_handler(self._commit)
        return grpc.unary_stream_rpc_method_handler(
            lambda request, context: self._stream(details.method, request, context)
        )

    def _commit(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.asked.append((COMMIT, request))
        metadata = headers(context)

        def pass_on() -> bytes:
            answer: bytes = self._channel.unary_unary(COMMIT)(request, metadata=metadata, timeout=30)
            return answer

        fault = self.faults.pop(0) if self.faults else passed_on
        try:
            return fault(pass_on, context)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())

    def _stream(self, method: str, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        self.asked.append((method, request))
        if self.refusal is not None and method == RUN_QUERY:
            context.abort(*self.refusal)
        try:
            yield from self._channel.unary_stream(method)(request, metadata=headers(context), timeout=30)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())


def headers(context: grpc.ServicerContext) -> tuple[Any, ...]:
    ours = ("authorization", "google-cloud-resource-prefix", "x-goog-request-params")
    return tuple(pair for pair in context.invocation_metadata() if pair[0] in ours)


def passed_on(pass_on: Callable[[], bytes], _context: grpc.ServicerContext) -> bytes:
    return pass_on()


def lost_reply(code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> Fault:
    """It arrives, and nobody hears of it."""

    def fault(pass_on: Callable[[], bytes], context: grpc.ServicerContext) -> bytes:
        pass_on()
        context.abort(code, "the connection broke")

    return fault


def lost_request(code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> Fault:
    def fault(_pass_on: Callable[[], bytes], context: grpc.ServicerContext) -> bytes:
        context.abort(code, "the connection broke")

    return fault


def late(deliveries: list[Callable[[], bytes]]) -> Fault:
    """It is given up for lost, and on its way all the same: calling what is put into ``deliveries`` lets it
    arrive."""

    def fault(pass_on: Callable[[], bytes], context: grpc.ServicerContext) -> bytes:
        deliveries.append(pass_on)
        context.abort(grpc.StatusCode.CANCELLED, "the connection broke")

    return fault
