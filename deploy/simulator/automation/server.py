"""HTTP in front of the calls: `GET /ping` and `POST /jsonrpc/0`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from deploy.simulator.faults import FaultKind
from deploy.simulator.stream import Stream
from deploy.simulator.trace import Entry, Kind

from .calls import Calls, NotFoundError, UnknownMethodError

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

_MAX_REQUEST_BYTES = 16 * 1024 * 1024
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"connection:\s*close", re.IGNORECASE)
_NOT_FOUND, _METHOD_UNKNOWN = -32001, -32601


async def serve(phone: Phone, stream: Stream, service: Entry) -> None:
    """Answers requests of one connection until the client closes it."""
    buffered = bytearray()
    while True:
        while (end := buffered.find(b"\r\n\r\n")) < 0:
            data = await stream.read()
            if not data or len(buffered) > _MAX_REQUEST_BYTES:
                return
            buffered += data
        head = bytes(buffered[:end])
        del buffered[: end + 4]
        length = int(match[1]) if (match := _LENGTH.search(head)) else 0
        if length > _MAX_REQUEST_BYTES:
            await _respond(stream, 413, b"too large")
            return
        while len(buffered) < length:
            data = await stream.read()
            if not data:
                return
            buffered += data
        body = bytes(buffered[:length])
        del buffered[:length]
        if head.startswith(b"GET /ping"):
            await _respond(stream, 200, b"pong")
        elif head.startswith(b"POST /jsonrpc/0"):
            answer = await _answer(phone, service, body)
            if answer is None:
                return
            await _respond(stream, 200, answer)
        else:
            await _respond(stream, 404, b"not found")
        if _CLOSE.search(head):
            return


async def _respond(stream: Stream, status: int, body: bytes) -> None:
    reason = {200: "OK", 404: "Not Found", 413: "Payload Too Large"}[status]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    await stream.write(head.encode() + body)


async def _answer(phone: Phone, service: Entry, body: bytes) -> bytes | None:
    """None where the server died of the call."""
    try:
        request = orjson.loads(body)
        method, parameters = str(request["method"]), list(request.get("params") or [])
    except (ValueError, KeyError, TypeError) as error:
        return _error(None, -32600, f"invalid request: {error}")
    entry = phone.trace.add(Kind.RPC, f"{method} {orjson.dumps(parameters).decode()}", service.seq)
    if (fault := phone.faults.take(FaultKind.SERVER_DIES, entry.detail)) is not None:
        phone.note_fault(fault, entry)
        if phone.processes.automation is not None:
            phone.processes.kill(phone.processes.automation.pid)
        return None
    try:
        result = await Calls(phone, entry).call(method, parameters)
    except NotFoundError as error:
        phone.trace.end(entry, 1)
        return _error(request.get("id"), _NOT_FOUND, f"androidx.test.uiautomator.UiObjectNotFoundException: {error}")
    except UnknownMethodError as error:
        phone.trace.end(entry, 127)
        return _error(request.get("id"), _METHOD_UNKNOWN, f"method not found: {error}")
    except (TypeError, ValueError) as error:
        phone.trace.end(entry, 2)
        return _error(request.get("id"), -32602, f"java.lang.IllegalArgumentException: {error}")
    phone.trace.end(entry, 0)
    return orjson.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": result})


def _error(request_id: Any, code: int, message: str) -> bytes:
    error = {"code": code, "message": message, "data": message}
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})
