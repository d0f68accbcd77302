"""The object store: bytes under content-addressed keys, over S3.

A key is made of the SHA-256 and an extension (the content type follows from it, for stores that forget metadata), so
equal bytes are stored once and an object never changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import weakref
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aioboto3
from aiohttp import ClientError as AiohttpError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.values import ObjectRef

_CONTENT_TYPES = {
    "png": "image/png",
    "webp": "image/webp",
    "xml": "application/xml",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "apk": "application/vnd.android.package-archive",
}
_ATTEMPTS = 3
_LOOKS = 4
"""How often an object is looked for that is not there: a store that is not atomic shows none while an equal one is put
in its place, and objects are stored before anybody names them."""
PART_BYTES = 8 * 1024 * 1024
"""Parts in which a large object goes to the store: no more than one is in memory. S3 takes none below 5 MB."""
CHUNK_BYTES = 256 * 1024
_KNOWN = 20_000
_CACHE_BYTES = 64 * 1024 * 1024


class StoreAwayError(Exception):
    """The object store does not answer. Wait and try again."""


class MissingObjectError(Exception):
    """There is no object under this key: it was removed by retention, or never stored."""


@dataclass(frozen=True)
class StoreAddress:
    """Where the store is. `endpoint` None: Amazon's own."""

    endpoint: str | None
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"


class Objects:
    """One bucket, through one client. Enter it as an async context."""

    def __init__(self, address: StoreAddress, *, timeout_s: float = 10.0) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._stored: OrderedDict[str, None] = OrderedDict()
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        self._putting: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def __aenter__(self) -> Self:
        config = Config(
            connect_timeout=self._timeout_s,
            read_timeout=self._timeout_s,
            retries={"max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            max_pool_connections=32,
        )
        session = aioboto3.Session()
        self._client = await self._stack.enter_async_context(
            session.client(
                "s3",
                endpoint_url=self._address.endpoint,
                aws_access_key_id=self._address.access_key,
                aws_secret_access_key=self._address.secret_key,
                region_name=self._address.region,
                config=config,
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def put(self, content: bytes, extension: str) -> ObjectRef:
        """Stores bytes and says where. Storing what is there already costs nothing. Raises `StoreAwayError`."""
        digest = await asyncio.to_thread(_sha256, content) if len(content) > 1 << 20 else _sha256(content)
        ref = ObjectRef(key=f"{digest[:2]}/{digest}.{extension}", sha256=digest, size_bytes=len(content))
        putting = self._putting.setdefault(ref.key, asyncio.Lock())  # Phones that show the same do so at once.
        async with putting:
            if ref.key in self._stored:
                self._stored.move_to_end(ref.key)
                return ref
            await self._call(
                "put_object",
                Key=ref.key,
                Body=content,
                ContentType=_CONTENT_TYPES.get(extension, "application/octet-stream"),
            )
            self._remember(ref.key, content)
        return ref

    async def put_file(
        self, path: Path, extension: str, progress: Callable[[int], None] = lambda _bytes: None
    ) -> ObjectRef:
        """Stores a file of any size with one part of it in memory. `progress` is told how many bytes more are stored.

        Raises `StoreAwayError`, `OSError` for a file that cannot be read.
        """
        digest, size_bytes = await asyncio.to_thread(file_digest, path)
        ref = ObjectRef(key=f"{digest[:2]}/{digest}.{extension}", sha256=digest, size_bytes=size_bytes)
        if await self.exists(ref.key):
            progress(size_bytes)
            return ref
        if size_bytes <= PART_BYTES:
            await self.put(await asyncio.to_thread(path.read_bytes), extension)
            progress(size_bytes)
            return ref
        content_type = _CONTENT_TYPES.get(extension, "application/octet-stream")
        begun = await self._call("create_multipart_upload", Key=ref.key, ContentType=content_type)
        upload = {"Key": ref.key, "UploadId": begun["UploadId"]}
        try:
            parts = await self._put_parts(path, upload, progress)
            await self._call("complete_multipart_upload", **upload, MultipartUpload={"Parts": parts})
        except BaseException:
            with contextlib.suppress(StoreAwayError, MissingObjectError):  # What failed first is what matters.
                await self._call("abort_multipart_upload", **upload)
            raise
        return ref

    async def _put_parts(
        self, path: Path, upload: dict[str, str], progress: Callable[[int], None]
    ) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        with path.open("rb") as file:
            while part := await asyncio.to_thread(file.read, PART_BYTES):
                number = len(parts) + 1
                done = await self._call("upload_part", **upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": done["ETag"]})
                progress(len(part))
        return parts

    async def size_bytes(self, key: str) -> int:
        """How long an object is. Raises `MissingObjectError`, `StoreAwayError`."""
        answer = await self._call("head_object", Key=key)
        return int(answer["ContentLength"])

    async def chunks(self, key: str) -> AsyncGenerator[bytes, None]:
        """An object of any size, piece by piece. Raises `MissingObjectError`, `StoreAwayError`; one that is cut off in
        the middle is not begun again here."""
        try:
            answer = await self._client.get_object(Bucket=self._address.bucket, Key=key)
            async with answer["Body"] as body:
                async for piece in body.content.iter_chunked(CHUNK_BYTES):
                    yield piece
        except ClientError as error:
            if _is_missing(error):
                raise MissingObjectError(f"{key} is not in the object store") from error
            raise StoreAwayError(f"get_object: {error}") from error
        except (BotoCoreError, AiohttpError, OSError, TimeoutError) as error:
            raise StoreAwayError(f"get_object: {error!r}") from error

    async def get(self, key: str) -> bytes:
        """The bytes under a key. Raises `MissingObjectError`, `StoreAwayError`."""
        if (known := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return known
        for look in range(1, _LOOKS):
            try:
                return await self._fetched(key)
            except MissingObjectError:
                await asyncio.sleep(0.1 * look)
        return await self._fetched(key)

    async def _fetched(self, key: str) -> bytes:
        content: bytes = await self._call("get_object", Key=key)
        self._remember(key, content)
        return content

    async def exists(self, key: str) -> bool:
        try:
            await self._call("head_object", Key=key)
        except MissingObjectError:
            return False
        return True

    async def _call(self, operation: str, **arguments: Any) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = await getattr(self._client, operation)(Bucket=self._address.bucket, **arguments)
                if operation != "get_object":
                    return answer
                async with answer["Body"] as body:
                    return await body.read()
            except ClientError as error:
                if _is_missing(error):
                    raise MissingObjectError(f"{arguments.get('Key')} is not in the object store") from error
                if attempt == _ATTEMPTS:
                    raise StoreAwayError(f"{operation}: {error}") from error
            except (BotoCoreError, AiohttpError, OSError, TimeoutError) as error:
                if attempt == _ATTEMPTS:
                    raise StoreAwayError(f"{operation}: {error!r}") from error
            await asyncio.sleep(0.1 * attempt)
        raise AssertionError("unreachable")

    def _remember(self, key: str, content: bytes) -> None:
        self._stored[key] = None
        while len(self._stored) > _KNOWN:
            self._stored.popitem(last=False)
        if key not in self._cache and len(content) < _CACHE_BYTES // 8:
            self._cache[key] = content
            self._cached_bytes += len(content)
            while self._cached_bytes > _CACHE_BYTES:
                _, dropped = self._cache.popitem(last=False)
                self._cached_bytes -= len(dropped)


def _is_missing(error: ClientError) -> bool:
    """Whether it is the object that is not there; a bucket that is not there is a store that is not there."""
    answer = error.response
    code = answer.get("Error", {}).get("Code")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return bool(status == 404 and code != "NoSuchBucket")


def file_digest(path: Path) -> tuple[str, int]:
    """SHA-256 of a file as hexadecimal digits, and its size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
