"""The history of every event type can still be read, by envelope, class and projection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.envelope import Envelope, UnknownEventError
from contracts.event import MAX_EVENT_BYTES, Event
from tests.contracts.building import GOLDEN, as_kept, examples_of, golden_path
from tests.contracts.corpus import EVENT_TYPES, examples, recorded

BROKEN = (
    "{place} can no longer be read: {error}\n"
    "A log somewhere holds events of this form. Make the change additive and optional, or write a new version of the"
    " event (`version=2`) and leave the class of this one as it was."
)


def by_name(cls: type[Event]) -> str:
    return cls.type_name()


@pytest.mark.parametrize(("file", "number", "line"), examples(), ids=lambda v: v.name if isinstance(v, Path) else "")
def test_every_example_of_the_past_can_be_read(file: Path, number: int, line: str) -> None:
    place = f"{file.relative_to(GOLDEN)}:{number}"
    try:
        event = Envelope.model_validate_json(line).open()
    except (ValidationError, UnknownEventError) as error:
        pytest.fail(BROKEN.format(place=place, error=error))
    assert golden_path(type(event)) == file, "an example stands in the file of its own type and version"


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=by_name)
def test_every_event_type_has_an_example(cls: type[Event]) -> None:
    assert golden_path(cls).is_file(), "run `python -m tests.contracts.building` and commit what it writes"


def test_an_example_is_what_the_log_would_hold_today() -> None:
    """Reading and writing again loses nothing: ciphers, decimals, Chinese text and times stay as they are."""
    for kept in recorded():
        line = next(line for _, _, line in examples() if json.loads(line)["id"] == str(kept.id))
        before = json.loads(line)["data"]
        after = kept.event.model_dump(mode="json")
        assert without_additions(after, before) == before


def without_additions(after: object, before: object) -> object:
    """What a value has now, but for fields that it did not have then: additions are optional, at any depth."""
    match after, before:
        case dict(), dict():
            return {name: without_additions(after[name], before[name]) for name in before}
        case list(), list() if len(after) == len(before):
            return [without_additions(*pair) for pair in zip(after, before, strict=True)]
        case _:
            return after


def test_no_example_reaches_the_limit_of_an_event() -> None:
    assert max(len(line.encode()) for _, _, line in examples()) < MAX_EVENT_BYTES


def test_examples_keep_sealed_fields_as_cipher_only() -> None:
    sealed = [field for _, _, line in examples() for field in sealed_fields(json.loads(line))]
    assert len(sealed) >= 5
    assert all(field["cipher"] is not None and field["clear"] is None for field in sealed)


def sealed_fields(value: object) -> list[dict[str, object]]:
    """Every sealed field of an event as it is kept, at any depth."""
    match value:
        case {"clear": _, "cipher": _}:
            return [value]
        case dict():
            return [field for inner in value.values() for field in sealed_fields(inner)]
        case list():
            return [field for inner in value for field in sealed_fields(inner)]
        case _:
            return []


def with_surprises(value: object) -> object:
    """A later writer's event: a field more in every object."""
    match value:
        case dict():
            return {**{k: with_surprises(v) for k, v in value.items()}, "from_the_future": 1}
        case list():
            return [with_surprises(item) for item in value]
        case _:
            return value


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=by_name)
def test_readers_ignore_fields_that_they_do_not_know(cls: type[Event]) -> None:
    line = golden_path(cls).read_text(encoding="utf-8").splitlines()[0]
    envelope = json.loads(line)
    known = Envelope.model_validate(envelope).open()
    later = Envelope.model_validate({**envelope, "from_the_future": 1, "data": {**envelope["data"], "more": [1]}})
    assert later.open() == known


def test_readers_ignore_unknown_fields_of_nested_values() -> None:
    line = golden_path(event_named("ActionRequested")).read_text(encoding="utf-8").splitlines()[-1]
    envelope = json.loads(line)
    known = Envelope.model_validate(envelope).open()
    later = {**envelope, "data": with_surprises(envelope["data"])}
    assert Envelope.model_validate(later).open() == known


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=by_name)
def test_writers_are_refused_fields_that_the_class_does_not_have(cls: type[Event]) -> None:
    event = examples_of(cls)[-1]
    fields = {name: getattr(event, name) for name in cls.model_fields}
    assert cls(**fields) == event
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        cls(**fields, from_the_future=1)


@pytest.mark.parametrize("name", ["waymark.orchestrator.RunStarted.v99", "waymark.orchestrator.NeverHeardOf.v1"])
def test_an_unknown_type_or_version_is_told_apart_from_bad_data(name: str) -> None:
    line = golden_path(event_named("RunStarted")).read_text(encoding="utf-8").splitlines()[0]
    envelope = Envelope.model_validate({**json.loads(line), "type": name})
    with pytest.raises(UnknownEventError, match=name):
        envelope.open()


async def test_the_builder_gives_the_same_line_for_the_same_seed() -> None:
    cls = event_named("CallFinished")
    lines = [[await as_kept(event, 0) for event in examples_of(cls)] for _ in range(2)]
    assert lines[0] == lines[1]
    assert examples_of(cls, seed=2) != examples_of(cls)


def event_named(name: str) -> type[Event]:
    return next(cls for cls in EVENT_TYPES if name == cls.NAME)
