"""A recorded run, many times over: the same events with other ids, phones, apps and users. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from contracts.envelope import Envelope
from contracts.orchestrator import AppVersionSeen, RunStarted, UserSeen
from contracts.screen_indexer import ElementsListed
from services.screen_indexer.projections import candidate_id_of, element_id_of

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Message:
    """An event as the log keeps it."""

    subject: str
    payload: bytes


def replicas(recorded: list[Message], copies: int) -> Iterator[Message]:
    """`recorded`, and then `copies - 1` others that share nothing with it: each writes rows of its own."""
    events = [Envelope.model_validate_json(message.payload).open() for message in recorded]
    listed = [event for event in events if isinstance(event, ElementsListed)]
    names = {name for event in events for name in _names(event)}
    yield from recorded
    for number in range(1, copies):
        ids = _Ids(number)
        for event in listed:
            ids.follow(event)
        yield from (_renamed(message, ids, names, number) for message in recorded)


class _Ids:
    """New ids for old ones. Those that are derived from others follow them."""

    def __init__(self, number: int) -> None:
        self._turn = number << 64
        self._derived: dict[UUID, UUID] = {}

    def of(self, old: UUID) -> UUID:
        return self._derived.get(old) or UUID(int=old.int ^ self._turn)

    def follow(self, listed: ElementsListed) -> None:
        for element in listed.elements:
            old, new = element_id_of(listed.screen_id, element), element_id_of(self.of(listed.screen_id), element)
            self._derived[old] = new
            for locator in element.locators:
                place = (locator.strategy, locator.locator_value)
                self._derived[candidate_id_of(old, *place)] = candidate_id_of(new, *place)


def _names(event: object) -> Iterable[str]:
    """What must be unique besides ids."""
    match event:
        case AppVersionSeen():
            return (event.app.package,)
        case RunStarted():
            return (event.serial,)
        case UserSeen():
            return (event.account, event.display_name)
        case _:
            return ()


def _renamed(message: Message, ids: _Ids, names: Iterable[str], number: int) -> Message:
    payload = message.payload.decode()
    for name in names:
        payload = payload.replace(f'"{name}"', f'"{name}.{number}"')
    return Message(_with_ids(message.subject, ids), _with_ids(payload, ids).encode())


def _with_ids(text: str, ids: _Ids) -> str:
    return _UUID.sub(lambda found: str(ids.of(UUID(found[0]))), text)
