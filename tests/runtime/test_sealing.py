"""Sealed fields: the same bytes each time, readable with their key only."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from contracts.orchestrator import ActionRequested, CrashTraced
from contracts.sealed import Sealed, SealedError
from contracts.values import CrashStep, Input, Point
from services.runtime.sealing import Sealer
from tests.contracts.corpus import recorded

RUN, OTHER = uuid4(), uuid4()


class Keys:
    """A key store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, key_id: str) -> bytes | None:
        return self.kept.get(key_id)

    async def create(self, key_id: str) -> bytes:
        return self.kept.setdefault(key_id, AESSIV.generate_key(256))


def typing(text: str) -> ActionRequested:
    """An action that types `text`."""
    known = next(r.event for r in recorded() if isinstance(r.event, ActionRequested))
    return known.model_copy(update={"action": Input(point=Point(x=1, y=2), text=Sealed[str].of(text))})


def text_of(event: object) -> Sealed[str]:
    assert isinstance(event, ActionRequested)
    assert isinstance(event.action, Input)
    return event.action.text


async def sealed(sealer: Sealer, text: str, key_id: UUID = RUN) -> ActionRequested:
    """What a reader gets: the event as it was kept, read back."""
    kept = (await sealer.seal(typing(text), key_id=key_id)).model_dump_json()
    return ActionRequested.model_validate_json(kept)


async def test_texts_in_lists_are_sealed_too() -> None:
    steps = tuple(CrashStep(action=typing(text).action, words="type") for text in ("秘密", "again"))
    known = next(r.event for r in recorded() if isinstance(r.event, CrashTraced))
    kept = (
        await (sealer := Sealer(Keys())).seal(known.model_copy(update={"way": steps}), key_id=RUN)
    ).model_dump_json()
    assert "秘密" not in kept
    opened = await sealer.open(CrashTraced.model_validate_json(kept))
    assert isinstance(opened, CrashTraced)
    assert [step.action.text.reveal() for step in opened.way if isinstance(step.action, Input)] == [
        "秘密",
        "again",
    ]


@given(text=st.text(max_size=200))
async def test_what_is_sealed_can_be_opened_and_not_read_before(text: str) -> None:
    sealer = Sealer(Keys())
    kept = await sealed(sealer, text)
    with pytest.raises(SealedError):
        text_of(kept).reveal()
    assert text_of(await sealer.open(kept)).reveal() == text


async def test_sealing_twice_gives_the_same_bytes_and_another_key_gives_others() -> None:
    sealer = Sealer(Keys())
    first, again = await sealed(sealer, "密码 pässword"), await sealed(sealer, "密码 pässword")
    assert first == again
    assert text_of(first).cipher != text_of(await sealed(sealer, "密码 pässword", OTHER)).cipher
    assert text_of(first).cipher != text_of(await sealed(sealer, "密码 pässword!")).cipher


async def test_the_clear_text_is_in_no_byte_of_what_is_kept() -> None:
    kept = (await Sealer(Keys()).seal(typing("correct-horse-9"), key_id=RUN)).model_dump_json()
    assert "correct-horse-9" not in kept
    assert "correct-horse-9" not in repr(typing("correct-horse-9"))


async def test_an_erased_key_leaves_a_field_closed_even_when_it_is_made_anew() -> None:
    keys = Keys()
    kept = await sealed(Sealer(keys), "hello")
    keys.kept.clear()
    assert text_of(await Sealer(keys).open(kept)).clear is None
    await keys.create(str(RUN))
    assert text_of(await Sealer(keys).open(kept)).clear is None


async def test_a_changed_byte_does_not_open() -> None:
    sealer = Sealer(Keys())
    kept = await sealed(sealer, "hello")
    cipher = text_of(kept).cipher
    assert cipher is not None
    other = "A" if cipher.text[0] != "A" else "B"
    changed = cipher.model_copy(update={"text": other + cipher.text[1:]})
    action = kept.action.model_copy(update={"text": Sealed[str](cipher=changed)})
    assert text_of(await sealer.open(kept.model_copy(update={"action": action}))).clear is None


async def test_what_is_sealed_already_is_not_sealed_again() -> None:
    sealer = Sealer(Keys())
    kept = await sealed(sealer, "hello")
    assert await sealer.seal(kept, key_id=OTHER) == kept
