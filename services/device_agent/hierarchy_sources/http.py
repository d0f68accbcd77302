"""One HTTP request on a connection to the phone."""

from __future__ import annotations

import h11

from services.device_agent.adb.wire import Wire

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024


class HttpError(Exception):
    """The answer is not HTTP, ends too early, is too large, or its status is not 200."""


async def exchange(wire: Wire, method: str, path: str, body: bytes = b"") -> bytes:
    """Sends a request and gives the body of the answer. Raises `HttpError`, and what the connection does."""
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", "localhost"), ("Connection", "close"), ("Content-Length", str(len(body)))]
    if body:
        headers.append(("Content-Type", "application/json"))
    request = connection.send(h11.Request(method=method, target=path, headers=headers)) or b""
    await wire.send(request + (connection.send(h11.Data(data=body)) or b""))
    connection.send(h11.EndOfMessage())
    content = bytearray()
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await wire.some())
            elif isinstance(event, h11.Response) and event.status_code != 200:
                raise HttpError(f"{method} {path} was answered with status {event.status_code}")
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > LARGEST_ANSWER_BYTES:
                    raise HttpError(f"the answer to {method} {path} has over {LARGEST_ANSWER_BYTES} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return bytes(content)
            elif isinstance(event, h11.ConnectionClosed):
                raise HttpError(f"{method} {path} was not answered")
    except h11.RemoteProtocolError as error:
        raise HttpError(f"the answer to {method} {path} cannot be read: {error}") from error
