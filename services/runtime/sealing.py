"""Encrypts the sealed fields of events with a key of their run, and opens them where the key can be had.

Keys lie in the NATS key-value bucket `WAYMARK_KEYS`, one a run or task. AES-SIV is deterministic, so a decision taken
twice seals to the same bytes, and a rebuilt table is identical. Losing a key makes what it sealed unreadable, on
purpose. Source: RFC 5297.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from pydantic import BaseModel

from contracts.event import Event
from contracts.sealed import Cipher, Sealed

M = TypeVar("M", bound=BaseModel)

_CACHED_KEYS = 4096


class KeyStore(Protocol):
    """Where keys lie: `get` answers None for an erased or unknown key, `create` returns the one that is there then."""

    async def get(self, key_id: str) -> bytes | None: ...

    async def create(self, key_id: str) -> bytes: ...


class BucketKeyStore:
    """Keys in a NATS key-value bucket, with a bounded cache of those in use."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket
        self._cache: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, key_id: str) -> bytes | None:
        if key_id in self._cache:
            self._cache.move_to_end(key_id)
            return self._cache[key_id]
        try:
            entry = await self._bucket.get(key_id)
        except KeyNotFoundError:
            return None
        return None if entry.value is None else self._remember(key_id, entry.value)

    async def create(self, key_id: str) -> bytes:
        try:
            key = AESSIV.generate_key(256)
            await self._bucket.create(key_id, key)
        except KeyWrongLastSequenceError:
            entry = await self._bucket.get(key_id)
            if entry.value is None:
                raise RuntimeError(f"key {key_id} is empty in the key bucket") from None
            key = entry.value
        return self._remember(key_id, key)

    def _remember(self, key_id: str, key: bytes) -> bytes:
        self._cache[key_id] = key
        while len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)
        return key


class Sealer:
    """Seals on the way into the log, opens on the way out. Classes without sealed fields pass untouched."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    async def seal(self, event: Event, *, key_id: UUID) -> Event:
        """The event with every clear sealed field encrypted; those that are sealed already stay as they are."""
        fields = self._fields(event)
        if not any(f.clear is not None and f.cipher is None for f in fields):
            return event
        key = await self._keys.get(str(key_id)) or await self._keys.create(str(key_id))
        cipher = AESSIV(key)

        def close(field: Sealed[Any]) -> Sealed[Any]:
            if field.cipher is not None or field.clear is None:
                return field
            text = base64.b64encode(cipher.encrypt(orjson.dumps(field.clear), None)).decode()
            return field.model_copy(update={"cipher": Cipher(key_id=str(key_id), text=text)})

        return _replaced(event, close)

    async def open(self, event: Event) -> Event:
        """The event with every sealed field readable whose key is still there."""
        opened: dict[Cipher, Any] = {}
        for field in self._fields(event):
            if field.cipher is not None and (key := await self._keys.get(field.cipher.key_id)) is not None:
                try:
                    clear = AESSIV(key).decrypt(base64.b64decode(field.cipher.text), None)
                except InvalidTag:
                    continue  # Sealed with a key of this name that was erased and made anew: it stays unreadable.
                opened[field.cipher] = orjson.loads(clear)
        if not opened:
            return event
        return _replaced(event, lambda f: f.model_copy(update={"clear": opened[f.cipher]}) if f.cipher in opened else f)

    def _fields(self, event: Event) -> list[Sealed[Any]]:
        found: list[Sealed[Any]] = []
        if _has_sealed_fields(type(event)):
            _collect(event, found)
        return found


@cache
def _has_sealed_fields(cls: type[Event]) -> bool:
    return "Cipher" in cls.model_json_schema().get("$defs", {})


def _collect(value: Any, found: list[Sealed[Any]]) -> None:
    if isinstance(value, Sealed):
        found.append(value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            _collect(getattr(value, name), found)
    elif isinstance(value, tuple):
        for each in value:
            _collect(each, found)


def _replaced(model: M, change: Any) -> M:
    """A copy of `model` with `change` applied to every sealed field, however deep."""
    return model.model_copy(update={name: _changed(getattr(model, name), change) for name in type(model).model_fields})


def _changed(value: Any, change: Any) -> Any:
    if isinstance(value, Sealed):
        return change(value)
    if isinstance(value, BaseModel):
        return _replaced(value, change)
    if isinstance(value, tuple):
        return tuple(_changed(each, change) for each in value)
    return value
