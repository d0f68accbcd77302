"""Objects lie under the digest of their bytes, once; a store that is away is told from an object that is not there."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.s3 import S3
from deploy.embedded.stack import Stack
from services.runtime import objects as objects_module
from services.runtime.objects import MissingObjectError, Objects, StoreAddress, StoreAwayError

pytestmark = pytest.mark.system


class Counting:
    """An S3 client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(name)
            return getattr(self._client, name)(**arguments)

        return call


def address(stack: Stack, bucket: str | None = None) -> StoreAddress:
    access = stack.s3
    return StoreAddress(access.endpoint, access.access_key, access.secret_key, bucket or access.bucket)


async def test_equal_bytes_are_stored_once_under_their_digest(stack: Stack) -> None:
    content = b"a screenshot" * 1000
    async with Objects(address(stack)) as objects:
        counting = objects._client = Counting(objects._client)
        ref = await objects.put(content, "png")
        digest = hashlib.sha256(content).hexdigest()
        assert (ref.key, ref.sha256, ref.size_bytes) == (f"{digest[:2]}/{digest}.png", digest, len(content))
        assert await objects.put(content, "png") == ref
        assert counting.calls == ["put_object"]
        assert await objects.get(ref.key) == content  # Still at hand.
        assert counting.calls == ["put_object"]
        assert await objects.exists(ref.key)
    async with Objects(address(stack)) as other:
        assert await other.get(ref.key) == content
        assert await other.put(content, "png") == ref


async def test_equal_bytes_that_come_at_once_are_stored_once(stack: Stack) -> None:
    """A store that is not atomic shows nothing under a key while it is written for the second time."""
    content = b"what twenty phones show" * 1000
    async with Objects(address(stack)) as objects:
        counting = objects._client = Counting(objects._client)
        refs = await asyncio.gather(*(objects.put(content, "xml") for _ in range(20)))
        assert len(set(refs)) == 1
        assert counting.calls == ["put_object"]


async def test_what_comes_a_moment_later_is_found(stack: Stack) -> None:
    content = b"being put in place"
    async with Objects(address(stack)) as reader, Objects(address(stack)) as writer:
        counting = reader._client = Counting(reader._client)
        reading = asyncio.create_task(reader.get(f"{hashlib.sha256(content).hexdigest()[:2]}/"
                                                 f"{hashlib.sha256(content).hexdigest()}.txt"))  # fmt: skip
        while not counting.calls:
            await asyncio.sleep(0)
        await writer.put(content, "txt")
        assert await reading == content


async def test_what_is_not_there_is_said_to_be_missing(stack: Stack) -> None:
    async with Objects(address(stack)) as objects:
        with pytest.raises(MissingObjectError, match="nowhere"):
            await objects.get("no/nowhere.png")
        assert not await objects.exists("no/nowhere.png")


async def test_a_bucket_that_is_not_there_is_a_store_that_is_away(stack: Stack) -> None:
    async with Objects(address(stack, "no-such-bucket")) as objects:
        with pytest.raises(StoreAwayError):
            await objects.put(b"x", "txt")
        with pytest.raises(StoreAwayError):
            await objects.get("ab/abc.txt")


async def test_a_store_that_was_away_is_used_again(tmp_path: Path) -> None:
    server = S3(tmp_path / "s3", "KEY", "secret-of-this-test")
    await asyncio.to_thread(server.start)
    access = server.access
    try:
        at = StoreAddress(access.endpoint, access.access_key, access.secret_key, access.bucket)
        async with Objects(at, timeout_s=1.0) as objects:
            ref = await objects.put(b"before", "txt")
            await asyncio.to_thread(server.stop)
            with pytest.raises(StoreAwayError):
                await objects.put(b"meanwhile", "txt")
            with pytest.raises(StoreAwayError):
                await objects.exists(ref.key)
            assert await objects.get(ref.key) == b"before"
            await asyncio.to_thread(server.start)
            again = await objects.put(b"meanwhile", "txt")
            async with Objects(at) as other:
                assert await other.get(again.key) == b"meanwhile"
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_body_that_breaks_off_is_a_store_that_is_away() -> None:
    """It must not be taken for a defect, which would make a dead letter of what only had to be tried again."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Objects(StoreAddress(f"http://127.0.0.1:{port}", "k", "s", "b"), timeout_s=2.0) as objects:
        with pytest.raises(StoreAwayError):
            await objects.get("ab/abc.txt")
    server.close()
    await server.wait_closed()
    assert served == objects_module._ATTEMPTS


async def test_what_is_kept_at_hand_has_a_bound(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_module, "_CACHE_BYTES", 8_000)
    monkeypatch.setattr(objects_module, "_KNOWN", 5)
    async with Objects(address(stack)) as objects:
        refs = [await objects.put(bytes([number]) * 900, "txt") for number in range(20)]
        large = await objects.put(b"L" * 2_000, "txt")
        assert large.key not in objects._cache
        assert objects._cached_bytes == sum(map(len, objects._cache.values())) <= 8_000
        assert list(objects._cache) == [ref.key for ref in refs[-8:]]
        assert len(objects._stored) == 5
        assert await objects.get(refs[0].key) == bytes([0]) * 900


async def test_a_file_of_any_size_is_stored_in_parts_and_read_in_pieces(stack: Stack, tmp_path: Path) -> None:
    path, size = tmp_path / "large.apk", 2 * objects_module.PART_BYTES + 12_345
    path.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    sent: list[int] = []
    async with Objects(address(stack)) as objects:
        ref = await objects.put_file(path, "apk", sent.append)
        assert (len(sent), sum(sent), ref.size_bytes) == (3, size, size)
        pieces = [piece async for piece in objects.chunks(ref.key)]
        assert max(map(len, pieces)) <= objects_module.CHUNK_BYTES
        assert hashlib.sha256(b"".join(pieces)).hexdigest() == ref.sha256
        assert await objects.size_bytes(ref.key) == size
        counting = objects._client = Counting(objects._client)
        assert await objects.put_file(path, "apk", sent.append) == ref
        assert counting.calls == ["head_object"], "what is there is not sent again"
    assert sent[3:] == [size], "and counts as sent"


async def test_a_small_file_is_stored_as_any_other_bytes(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "small.apk"
    path.write_bytes(b"PK small")
    async with Objects(address(stack)) as objects:
        ref = await objects.put_file(path, "apk")
        assert await objects.get(ref.key) == b"PK small"
        assert ref.key == f"{ref.sha256[:2]}/{ref.sha256}.apk"


async def test_an_upload_that_fails_in_the_middle_leaves_no_object(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "large.apk"
    path.write_bytes(b"y" * (objects_module.PART_BYTES + 1))
    async with Objects(address(stack)) as objects:

        def stop(_sent: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await objects.put_file(path, "apk", stop)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert not await objects.exists(f"{digest[:2]}/{digest}.apk")


async def test_pieces_of_what_is_not_there_are_told_from_a_store_that_is_away(stack: Stack) -> None:
    async with Objects(address(stack)) as objects:
        with pytest.raises(MissingObjectError):
            await anext(objects.chunks("no/such.apk"))
        with pytest.raises(MissingObjectError):
            await objects.size_bytes("no/such.apk")
