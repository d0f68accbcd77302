"""Versions of scripts, and how their replays went."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.event import MAX_EVENT_BYTES
from contracts.orchestrator import (
    RunFinished,
    ScriptAnswered,
    ScriptDrafted,
    ScriptRecorded,
    ScriptRef,
    ScriptReplayed,
    ScriptSwitched,
)
from contracts.scripts import ScriptData
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import CoverageProfile, RunStatus
from services.orchestrator.decisions.fleet import DEFAULT_FLEET, resolved_app
from services.orchestrator.decisions.scripts.keeping import SCRIPT, decide_script, script_reactor
from services.orchestrator.decisions.scripts.requested import answer_key, script_key
from services.orchestrator.decisions.scripts.versions import (
    SCRIPT_BYTES,
    VERSIONS_KEPT,
    Versions,
    checksum_of,
    script_id_of,
    size_of,
)
from services.runtime.handlers import RawRequest
from services.runtime.reactor import Trigger
from tests.orchestrator.runs import APP
from tests.orchestrator.stories import BEGIN, Story

NAME = "buy {{query}}"
ID = script_id_of("alice", NAME)


def data(label: str = "Buy", **changes: Any) -> ScriptData:
    plain = {"name": NAME, "app": APP, "parameters": [{"name": "query"}], "steps": [
        {"step": {"type": {"into": "id=q", "text": "{{query}}"}}}, {"step": {"tap": label}},
    ]}  # fmt: skip
    return ScriptData.model_validate({**plain, **changes})


def draft(label: str = "Buy", number: int = 1, **changes: Any) -> ScriptDrafted:
    base: dict[str, Any] = {
        "run_id": derived_id("run", number), "task_id": derived_id("task", number), "script_id": ID,
        "origin": "RECORDED", "user": "alice", "data": data(label),
        "defaults": Sealed[dict[str, str]].of({"query": "x"}),
        "serial": "p1", "model_name": "m", "duration_ms": 900, "metadata": {"needs_person": False},
    }  # fmt: skip
    return ScriptDrafted(**{**base, **changes})


def replay(
    version: int = 1, status: RunStatus = RunStatus.SUCCEEDED, took_s: float = 2.0, **changes: Any
) -> RunFinished:
    base: dict[str, Any] = {
        "run_id": derived_id("run", "replay"), "task_id": derived_id("task", "replay"), "fleet_id": DEFAULT_FLEET,
        "device_id": derived_id("device", "p1"), "lease_token": 1, "app": resolved_app(APP, "1.0", 1),
        "profile": CoverageProfile.CUSTOM, "status": status, "total_actions": 1, "successful_actions": 1, "screens": (),
        "failure_reason": None if status is RunStatus.SUCCEEDED else "no", "states": 1, "activities_reached": (),
        "activities_declared": (), "metrics": {}, "started_at": BEGIN, "ended_at": BEGIN + timedelta(seconds=took_s),
        "kind": "replay", "replayed": ScriptRef(script_id=ID, version=version, checksum="c"),
    }  # fmt: skip
    return RunFinished(**{**base, **changes})


def raw(body: object, user: str = "alice", sequence: int = 5) -> RawRequest:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawRequest("script", user, text, sequence)


def story() -> Story:
    return Story(SCRIPT, decide_script)


def asked(told: Story, body: object, **changes: Any) -> ScriptAnswered:
    told.when(raw(body, **changes))
    return told.last(ScriptAnswered)


def test_each_draft_is_the_next_version_and_the_same_data_is_none():
    told = story()
    told.when(draft("Buy"))
    told.when(draft("Buy", 2))
    told.when(
        draft("Pay", 3, origin="REPAIRED", repairs=("step 2",), base=ScriptRef(script_id=ID, version=1, checksum="c"))
    )
    told.when(draft("Buy", 4))
    versions = told.all(ScriptRecorded)
    assert [(v.version, v.origin, v.checksum) for v in versions] == [
        (1, "RECORDED", checksum_of(data("Buy"))), (2, "REPAIRED", checksum_of(data("Pay"))),
    ]  # fmt: skip
    first, second = versions
    assert first.version_id != second.version_id
    assert first.metadata == {
        "format": "waymark.script/1", "steps": 2, "parameters": ["query"], "needs_person": False,
    }  # fmt: skip
    assert second.metadata["base_version"] == 1
    assert (second.defaults.clear, second.name, second.repairs) == ({"query": "x"}, NAME, ("step 2",))


def test_replays_are_counted_for_their_version_alone():
    told = story()
    told.when(draft("Buy"))
    told.when(draft("Pay", 2))
    told.when(replay(1, took_s=2.0))
    told.when(replay(1, RunStatus.FAILED, took_s=9.0))
    told.when(replay(1, took_s=3.0))
    last = told.when(replay(2, RunStatus.FAILED))[0]
    assert [(r.replays, r.successes, r.success_rate, r.execution_time_s) for r in told.all(ScriptReplayed)] == [
        (1, 1, "100.00", "2.00"), (2, 1, "50.00", "2.00"), (3, 2, "66.67", "2.50"), (1, 0, "0.00", "0.00"),
    ]  # fmt: skip
    assert (last.version, last.succeeded, last.reason) == (2, False, "no")


@pytest.mark.parametrize(
    "changes",
    [{"status": RunStatus.CANCELLED}, {"status": RunStatus.FAILED, "failure_code": "NOT_FIT"}, {"version": 9}],
)
def test_a_replay_that_a_person_stopped_or_whose_phone_was_not_fit_says_nothing_of_the_script(changes: dict[str, Any]):
    told = story()
    told.when(draft())
    assert told.when(replay(**changes)) == []


def test_runs_that_replay_nothing_are_not_for_scripts():
    key = script_reactor().triggers[RunFinished]
    assert key(replay()) == ID
    assert key(replay(replayed=None)) is None


def test_an_import_is_a_version_under_the_name_of_its_user():
    told = story()
    body = {"kind": "import", "script": data().model_dump(mode="json"), "defaults": {"query": "y"}}
    assert script_key(raw(body)) == ID
    assert script_key(raw({**body, "name": "other"})) == script_id_of("alice", "other")
    assert script_key(raw(body, user="bob")) != ID
    answer = asked(told, body)
    assert (answer.done, answer.code, answer.script.version, answer.script.script_id) == (True, "IMPORTED", 1, ID)
    assert answer.text == f"{NAME} is version 1 of {ID}"
    recorded = told.last(ScriptRecorded)
    assert (recorded.origin, recorded.user, recorded.run_id, recorded.defaults.clear) == (
        "IMPORTED", "alice", None, {"query": "y"},
    )  # fmt: skip
    again = asked(told, body, sequence=6)
    assert (again.done, again.code, again.script.version) == (True, "UNCHANGED", 1)
    assert len(told.all(ScriptRecorded)) == 1
    assert told.when(draft()) == [], "a run that did the same adds nothing"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"defaults": {"other": "y"}}, "defaults: there is no parameter other"),
        ({"script": {**data().model_dump(mode="json"), "parameters": []}}, "script.steps: there is no parameter query"),
        ({"script": {**data().model_dump(mode="json"), "steps": []}}, "script.steps"),
        ({"script": data(app=None, steps=[{"step": {"launch": {}}}]).model_dump(mode="json")}, "which app"),
        ({"script": data(parameters=[{"name": "query"}] * 2).model_dump(mode="json")}, "a name is there twice"),
        ({"script": data(parameters=[{"name": "query", "secret": True}]).model_dump(mode="json"),
          "defaults": {"query": "y"}}, "query is a secret, which has no default"),
        ({"script": data(description="x" * 190_000).model_dump(mode="json")}, "bytes long"),
    ],
)  # fmt: skip
def test_an_import_that_could_not_be_replayed_is_refused_with_the_reason(changes: dict[str, Any], says: str):
    told = story()
    answer = asked(told, {"kind": "import", "script": data().model_dump(mode="json"), **changes})
    assert not answer.done
    assert says in answer.text
    assert told.events == []


def test_the_longest_script_fits_into_its_event():
    long = draft(data=data(description="y" * 120_000), defaults=Sealed[dict[str, str]].of({"query": "x" * 40_000}))
    told = story()
    told.when(long)
    recorded = told.last(ScriptRecorded)
    assert 150_000 < size_of(recorded.data, recorded.defaults.clear) < SCRIPT_BYTES
    assert len(recorded.model_dump_json()) + 40_000 * 4 // 3 < MAX_EVENT_BYTES


def test_a_version_is_retired_and_used_again():
    told = story()
    told.when(draft())
    body = {"kind": "retire", "script": str(ID), "version": 1, "reason": "old"}
    assert script_key(raw(body)) == ID
    answer = asked(told, body, user="bob")
    assert (answer.code, answer.text, answer.script.version) == ("RETIRED", "version 1 is retired", 1)
    switched = told.last(ScriptSwitched)
    assert (switched.active, switched.by, switched.reason) == (False, "bob", "old")
    assert told.state.newest_active is None
    assert asked(told, body, sequence=6).code == "UNCHANGED"
    assert asked(told, {**body, "kind": "activate"}, sequence=7).code == "ACTIVATED"
    assert told.state.newest_active.number == 1


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"{", "NOT_JSON", "not JSON"),
        ({"kind": "retire", "script": str(ID), "version": 3}, "UNKNOWN_VERSION", "the last one is 1"),
        ({"kind": "retire", "script": str(ID)}, "INVALID", "version: this field is needed"),
        ({"kind": "burn"}, "INVALID", "import"),
    ],
)
def test_a_request_that_does_not_fit_is_answered_with_a_reason(body: object, code: str, says: str):
    told = story()
    told.when(draft())
    answer = asked(told, body)
    assert (answer.done, answer.code) == (False, code)
    assert says in answer.text
    assert answer.request_id == answer_key(raw(body))
    assert told.all(ScriptSwitched) == []


def test_a_script_that_nobody_knows_is_answered():
    answer = asked(story(), {"kind": "retire", "script": str(UUID(int=1)), "version": 1, "id": "mine"})
    assert (answer.done, answer.code) == (False, "UNKNOWN_SCRIPT")
    assert answer.request_id == derived_id("script-request", "alice", "mine")


def test_the_last_versions_are_kept_and_an_old_draft_that_comes_again_is_none():
    told = story()
    for number in range(VERSIONS_KEPT + 5):
        told.when(draft(f"b{number}", number))
    assert told.state.last == VERSIONS_KEPT + 5
    assert (len(told.state.kept), told.state.kept[0].number) == (VERSIONS_KEPT, 6)
    old = Trigger(derived_id("trigger", "old"), draft("b0", 0), BEGIN, seq=1)
    assert decide_script(told.state, old, BEGIN).empty
    answer = asked(told, {"kind": "retire", "script": str(ID), "version": 2})
    assert f"versions 6 to {VERSIONS_KEPT + 5} are kept" in answer.text


def test_a_snapshot_holds_the_whole_state():
    told = story()
    told.when(draft())
    told.when(replay())
    codec = SCRIPT.long_lived.codec
    assert codec.load(codec.dump(told.state)) == told.state
    assert isinstance(told.state, Versions)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["Buy", "Pay", "Go"]), min_size=1, max_size=8))
def test_drafts_that_are_told_again_from_the_beginning_add_nothing(labels: list[str]):
    told = story()
    drafts = [draft(label, number) for number, label in enumerate(labels)]
    for each in drafts:
        told.when(each)
    versions = len(told.all(ScriptRecorded))
    assert versions == len(set(labels))
    for each in drafts:
        # As delivered to a reactor that has no receipt of it: what changed nothing left none.
        if checksum_of(each.data) in {v.checksum for v in told.state.kept}:
            assert told.when(each) == []


def test_a_repair_of_an_older_version_does_not_take_the_place_of_the_one_in_use():
    told = story()
    told.when(draft("Buy"))
    told.when(draft("Order", 2))
    told.when(draft("Pay", 3, origin="REPAIRED", base=ScriptRef(script_id=ID, version=1, checksum="c")))
    assert told.last(ScriptRecorded).version == 3, "nothing is lost"
    assert told.state.newest_active.number == 2
    assert [(s.version, s.active) for s in told.all(ScriptSwitched)] == [(3, False), (2, True)]
    assert "version 3 repairs version 1, and version 2 is in use" in told.last(ScriptSwitched).reason
    told.when(draft("Go", 4, origin="REPAIRED", base=ScriptRef(script_id=ID, version=2, checksum="c")))
    assert told.state.newest_active.number == 4
