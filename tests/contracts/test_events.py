"""What every event class has: an owner, a key and a route that are UUIDs, a subject of five tokens."""

from __future__ import annotations

import ast
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import alerter, device_agent, llm_gateway, locator_validator, notifier, orchestrator, screen_indexer
from contracts.catalogue import OWNERS
from contracts.event import Event
from contracts.subjects import (
    NO_ROUTE,
    aggregate_filter,
    dead_letter_subject,
    derived_id,
    event_filter,
    event_subject,
    request_subject,
    timer_due_filter,
    timer_due_subject,
)
from services.runtime.provision import streams
from tests.contracts.corpus import EVENT_TYPES, recorded

MODULES = (orchestrator, device_agent, llm_gateway, screen_indexer, locator_validator, alerter, notifier)
ROOT = Path(__file__).parents[2]

every_event = st.sampled_from(EVENT_TYPES)
every_example = st.sampled_from(recorded()).map(lambda r: r.event)
user_names = st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True)


def matches(subject_filter: str, subject: str) -> bool:
    """Whether NATS would deliver `subject` to a consumer with this filter."""
    wanted, given_ = subject_filter.split("."), subject.split(".")
    return len(wanted) == len(given_) and all(w in {"*", g} for w, g in zip(wanted, given_, strict=True))


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.OWNER)
def test_every_class_of_a_module_belongs_to_its_owner(module: object) -> None:
    owner: str = module.OWNER  # type: ignore[attr-defined]
    own = [cls for cls in EVENT_TYPES if cls.__module__.split(".")[:2] == ["contracts", owner]]
    assert own
    assert {cls.OWNER for cls in own} == {owner}


def test_every_event_class_is_in_the_catalogue_of_an_owner() -> None:
    assert {cls.OWNER for cls in EVENT_TYPES} == set(OWNERS)
    assert len({cls.type_name() for cls in EVENT_TYPES}) == len(EVENT_TYPES)


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.type_name())
def test_key_route_and_deadline_are_fields_of_the_right_type(cls: type[Event]) -> None:
    assert cls.model_fields[cls.KEY].annotation is UUID
    if cls.ROUTE is not None:
        assert cls.model_fields[cls.ROUTE].annotation in {UUID, UUID | None}
    if cls.DEADLINE is not None:
        assert cls.model_fields[cls.DEADLINE].annotation in {datetime, datetime | None}


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.type_name())
def test_names_of_owners_and_events_are_single_tokens(cls: type[Event]) -> None:
    assert cls.OWNER.replace("_", "").isalpha()
    assert cls.NAME.isalnum()


@given(event=every_example)
def test_a_subject_has_five_tokens_and_is_found_by_every_filter_that_means_it(event: Event) -> None:
    subject = event_subject(event)
    assert len(subject.split(".")) == 5
    assert matches(aggregate_filter(event.OWNER, event.key), subject)
    assert matches(event_filter(type(event)), subject)
    assert matches(event_filter(type(event), key=event.key), subject)
    if event.route is not None:
        assert matches(event_filter(type(event), route=event.route), subject)
    else:
        assert subject.endswith(f".{NO_ROUTE}")


@given(event=every_example, key=st.uuids(), owner=st.sampled_from(OWNERS))
def test_a_filter_finds_no_other_aggregate(event: Event, key: UUID, owner: str) -> None:
    found = matches(aggregate_filter(owner, key), event_subject(event))
    assert found == (owner == event.OWNER and key == event.key)


@given(event=every_event, other=every_event, key=st.uuids())
def test_a_filter_of_one_kind_finds_no_other_kind(event: type[Event], other: type[Event], key: UUID) -> None:
    subject = f"waymark.{other.OWNER}.{other.NAME}.{key}.{NO_ROUTE}"
    assert matches(event_filter(event), subject) == (
        event is other or (event.NAME, event.OWNER) == (other.NAME, other.OWNER)
    )


@given(owner=st.sampled_from(OWNERS), key=st.uuids(), epoch=st.uuids())
def test_a_fired_timer_is_found_by_its_owner_only(owner: str, key: UUID, epoch: UUID) -> None:
    subject = timer_due_subject(owner, key, epoch)
    assert [other for other in OWNERS if matches(timer_due_filter(other), subject)] == [owner]


@given(event=every_example, user=user_names, epoch=st.uuids())
def test_every_subject_lies_in_exactly_one_stream(event: Event, user: str, epoch: UUID) -> None:
    subjects = (
        event_subject(event),
        request_subject("task", user),
        timer_due_subject(event.OWNER, event.key, epoch),
        dead_letter_subject("alerter", "request"),
    )
    for subject in subjects:
        holding = [s.name for s in streams(1) if any(matches(f, subject) for f in s.subjects or [])]
        assert len(holding) == 1, (subject, holding)


@given(kind=st.sampled_from(["device", "app"]), parts=st.lists(st.text(max_size=8), min_size=1, max_size=3))
def test_derived_ids_tell_different_natural_keys_apart(kind: str, parts: list[str]) -> None:
    assert derived_id(kind, *parts) == derived_id(kind, *parts)
    assert derived_id(kind, *parts) != derived_id(f"{kind}-", *parts)
    assert derived_id(kind, *parts) != derived_id(kind, *parts, "")


def test_nobody_but_the_subjects_module_spells_subjects() -> None:
    """A subject in an f-string elsewhere would be a second spelling, with its own number of tokens."""
    spelled = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("services", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        and isinstance(node.values[0], ast.Constant)
        and str(node.values[0].value).startswith("waymark.")
        and sum(str(part.value).count(".") for part in node.values if isinstance(part, ast.Constant)) >= LEAST_DOTS
        and path.relative_to(ROOT).as_posix() not in ALLOWED
    ]
    assert spelled == []


LEAST_DOTS = 3
"""A request's subject has four tokens, all others more; the type of an event has fewer dots."""

ALLOWED = {
    "services/runtime/aggregate.py": "the exact subject of a snapshot, whose class is generic",
}
