"""`Sealed[T]`: a field that is readable in memory and encrypted wherever it is kept.

In memory a sealed field holds its value (`clear`), or the cipher text that came from the log (`cipher`) until
somebody who has the key opens it. On the wire it is always cipher text: the log seals an event before it is written.
Source: the database designs ask for column protection of prompts, answers and alert payloads.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer

T = TypeVar("T")


class Cipher(BaseModel):
    """Encrypted bytes: which key opens them (`key_id`), and the base64 of the AES-SIV cipher text."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key_id: str
    text: str


class Sealed(BaseModel, Generic[T]):
    """Either `clear` (in memory, before writing or after opening) or `cipher` (as it is kept), or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clear: Annotated[T | None, PlainSerializer(lambda _value: None)] = None
    cipher: Cipher | None = None

    @classmethod
    def of(cls, value: T) -> Sealed[T]:
        return cls(clear=value)

    def reveal(self) -> T:
        """The value. Raises `SealedError` where nobody opened it: its key was erased, or the reader has none."""
        if self.clear is None:
            raise SealedError(self.cipher.key_id if self.cipher else "none")
        return self.clear

    def __repr__(self) -> str:
        return f"Sealed(key_id={self.cipher.key_id if self.cipher else None})"

    def __str__(self) -> str:
        return repr(self)

    def __rich_repr__(self) -> Any:
        yield "key_id", self.cipher.key_id if self.cipher else None


class SealedError(Exception):
    """A sealed value was asked for without its key."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"sealed with key {key_id}, which is erased or not readable here")
        self.key_id = key_id
