"""Requests to replay a script: which version they mean, with which values, and why some are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.orchestrator import RunStarted, ScriptRecorded, TaskAccepted, TaskRejected
from contracts.scripts import ScriptData
from contracts.sealed import Cipher, Sealed
from contracts.values import ANDROID, CoverageProfile
from services.orchestrator.decisions.intake import TASK, decide_request
from services.orchestrator.decisions.scripts.asking import ScriptFound, wanted
from services.orchestrator.decisions.scripts.keeping import SCRIPT, decide_script
from services.orchestrator.decisions.scripts.versions import SCRIPT_BYTES, script_id_of, size_of
from tests.orchestrator.fleets import fleet, join, pass_time
from tests.orchestrator.runs import APP
from tests.orchestrator.stories import Story
from tests.orchestrator.test_intake import raw

NAME = "log in"
ID = script_id_of("alice", NAME)
PLAIN = {"kind": "replay", "script": NAME}
PARAMETERS = [{"name": "user"}, {"name": "pw", "required": True, "secret": True}]


def data(label: str = "OK", **changes: Any) -> ScriptData:
    plain = {"name": NAME, "app": APP, "parameters": PARAMETERS, "steps": [
        {"step": {"type": {"into": "id=user", "text": "{{user}}"}}, "words": "the user"},
        {"step": {"type": {"into": "id=pw", "text": "{{pw}}"}}}, {"step": {"tap": label}},
    ]}  # fmt: skip
    return ScriptData.model_validate({**plain, **changes})


def kept(*versions: ScriptData, defaults: dict[str, str] | None = None) -> Story:
    told = Story(SCRIPT, decide_script)
    for number, one in enumerate(versions, 1):
        body = {"kind": "import", "script": one.model_dump(mode="json"), "defaults": defaults or {}}
        told.when(raw(body, "script", sequence=number))
    return told


def found(scripts: Story, body: dict[str, Any], user: str = "alice") -> ScriptFound:
    """As the reader of scripts finds it in the log."""
    asked = raw(body, user=user)
    script = wanted(asked)
    assert script is not None
    versions = scripts.state if script.script_id == ID else SCRIPT.initial()
    version = script.of(versions)
    recorded = None if version is None else scripts.records[version.seq - 1].event
    assert recorded is None or isinstance(recorded, ScriptRecorded)
    return ScriptFound(asked, script.script_id, versions, recorded)


def accepted(scripts: Story, **fields: Any) -> Any:
    (event, _user) = Story(TASK, decide_request).when(found(scripts, {**PLAIN, **fields}))
    assert isinstance(event, TaskAccepted)
    return event.spec


def refused(scripts: Story, user: str = "alice", **fields: Any) -> TaskRejected:
    story = Story(TASK, decide_request)
    story.when(found(scripts, {**PLAIN, **fields}, user))
    if story.later:
        story.again(after_s=10)
    (event,) = story.events
    assert isinstance(event, TaskRejected)
    return event


PW = {"pw": "env:SHOP_PASSWORD"}


def test_a_replay_takes_the_newest_version_with_its_values():
    scripts = kept(data(), data("Yes"), defaults={"user": "alice"})
    spec = accepted(scripts, variables=PW)
    assert (spec.kind, spec.package, spec.name, spec.profile) == (
        "replay",
        APP,
        "replay log in",
        CoverageProfile.CUSTOM,
    )
    assert (spec.replay.script_id, spec.replay.version, spec.replay.repair) == (ID, 2, False)
    script = spec.script.clear
    assert [step["step"] for step in script["steps"]][2] == {"tap": {"element": {"text": "Yes"}, "timeout_s": 10.0}}
    assert (script["variables"], script["secrets"]) == ({"user": "alice"}, PW)
    assert script["defaults"] == {"user": "alice"}
    assert not spec.validate_locators


def test_a_version_a_value_and_an_id_can_be_named():
    scripts = kept(data(), data("Yes"), defaults={"user": "alice"})
    spec = accepted(scripts, script=str(ID), script_version=1, variables={**PW, "user": "bob"}, name="n", repair=True,
                    rules={"model": "big", "token_budget": 9})  # fmt: skip
    assert (spec.replay.version, spec.name, spec.replay.repair) == (1, "n", True)
    assert (spec.rules.model, spec.rules.token_budget) == ("big", 9)
    assert spec.script.clear["variables"] == {"user": "bob"}


def test_a_script_of_the_phone_itself_is_about_android():
    plain = data(app=None, parameters=[], steps=[{"step": {"press": "HOME"}}])
    assert accepted(kept(plain)).package == ANDROID


def test_where_and_how_often_reach_a_replay():
    scripts = kept(data(parameters=[], steps=[{"step": {"press": "HOME"}}]))
    spec = accepted(scripts, phones=3, where=["api>=33"], schedule="0 3 * * *", zone="Asia/Shanghai", account="shop")
    assert (spec.phones, spec.where, spec.schedule, spec.account) == (3, ("api>=33",), "0 3 * * *", "shop")
    assert "zone: it is the time zone" in refused(scripts, zone="UTC").reason


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({}, "INVALID", "a value is needed for pw (a secret: env:NAME or file:/path)"),
        ({"variables": {"pw": "hunter2"}}, "INVALID", "pw is a secret: say where it lies"),
        ({"variables": {**PW, "other": "x"}}, "INVALID", "no parameter other; it has: user, pw"),
        ({"script": "nothing", "variables": PW}, "UNKNOWN_SCRIPT", "there is no script nothing"),
        (
            {"script_version": 7, "variables": PW},
            "UNKNOWN_VERSION",
            "there is no version 7, the last one is 1 of log in",
        ),
        ({"rules": {"model": 3}}, "INVALID", "rules.model"),
        ({"script": ""}, "INVALID", "script"),
    ],
)
def test_a_replay_that_cannot_be_is_refused_with_the_reason(fields: dict[str, Any], code: str, says: str):
    rejected = refused(kept(data(), defaults={"user": "alice"}), **fields)
    assert rejected.code == code
    assert says in rejected.reason
    assert "hunter2" not in rejected.reason


def test_names_are_the_caller_s_own_and_ids_are_everybody_s():
    scripts = kept(data(), defaults={"user": "alice"})
    assert refused(scripts, user="bob", variables=PW).code == "UNKNOWN_SCRIPT"
    story = Story(TASK, decide_request)
    story.when(found(scripts, {**PLAIN, "script": str(ID), "variables": PW}, "bob"))
    assert story.last(TaskAccepted).spec.replay.script_id == ID


def test_a_retired_version_is_refused_and_the_one_before_it_is_taken():
    scripts = kept(data(), data("Yes"), defaults={"user": "alice"})
    scripts.when(raw({"kind": "retire", "script": str(ID), "version": 2}, "script"))
    assert accepted(scripts, variables=PW).replay.version == 1
    rejected = refused(scripts, script_version=2, variables=PW)
    assert (rejected.code, "`waymark scripts activate`" in rejected.reason) == ("RETIRED", True)
    scripts.when(raw({"kind": "retire", "script": str(ID), "version": 1}, "script", sequence=9))
    assert "every version of log in is retired" in refused(scripts, variables=PW).reason


def test_a_script_that_its_run_has_just_left_is_waited_for_a_moment():
    story = Story(TASK, decide_request)
    early = found(kept(), PLAIN | {"variables": PW})
    assert story.when(early) == []
    assert len(story.later) == 1
    (waiting,) = story.later
    there = found(kept(data(), defaults={"user": "alice"}), PLAIN | {"variables": PW})
    story.deliver(type(waiting)(waiting.id, there, waiting.time))
    assert story.last(TaskAccepted).spec.replay.version == 1


def test_values_that_were_recorded_and_cannot_be_read_have_to_be_given():
    scripts = kept(data(), defaults={"user": "alice"})
    request = found(scripts, PLAIN | {"variables": PW})
    erased = request.recorded.model_copy(update={"defaults": Sealed(cipher=Cipher(key_id="k", text="x"))})
    story = Story(TASK, decide_request)
    story.when(ScriptFound(request.raw, request.script_id, request.versions, erased))
    assert "a value is needed for user; the values that were recorded cannot be read any more" in (
        story.last(TaskRejected).reason
    )


def test_a_script_that_types_an_account_s_field_needs_one():
    scripts = kept(data(parameters=[], steps=[{"step": {"type": {"into": "id=u", "text": "{{account.user}}"}}}]))
    assert "name its pool" in refused(scripts).reason
    assert accepted(scripts, account="shop").account == "shop"


def test_values_that_are_too_long_together_are_refused():
    many = [{"name": f"p{n}"} for n in range(90)]
    steps = [{"step": {"type": {"into": "id=u", "text": f"{{{{p{n}}}}}"}}} for n in range(90)]
    scripts = kept(data(parameters=many, steps=steps))
    rejected = refused(scripts, variables={f"p{n}": "x" * 2000 for n in range(90)})
    assert (rejected.code, "bytes long" in rejected.reason) == ("TOO_LARGE", True)


def test_a_replay_is_done_again_as_it_was():
    scripts = kept(data(), defaults={"user": "alice"})
    story = Story(TASK, decide_request)
    story.when(found(scripts, {**PLAIN, "variables": {**PW, "user": "bob"}, "repair": True}))
    before = story.last(TaskAccepted).spec
    story.when(raw({"kind": "retry", "task": str(before.task_id)}, "control", user="carol"))
    again = story.last(TaskAccepted).spec
    assert (again.retries, again.user) == (before.task_id, "carol")
    assert (again.kind, again.replay, again.script, again.rules) == (
        "replay",
        before.replay,
        before.script,
        before.rules,
    )


@pytest.mark.parametrize("many", [{"phones": 2}, {"schedule": "0 3 * * *"}])
def test_replays_on_many_phones_and_by_schedule_are_of_the_same_script(many: dict[str, Any]):
    spec = accepted(kept(data(), defaults={"user": "alice"}), variables=PW, **many)
    told = join(fleet(), "p1", "p2")
    told.when(TaskAccepted(task_id=spec.task_id, spec=spec))
    pass_time(told, timedelta(days=1))
    started = [run.spec for run in told.all(RunStarted)]
    assert len(started) == (2 if "phones" in many else 1)
    for one in started:
        assert (one.kind, one.replay, one.script) == ("replay", spec.replay, spec.script)
        assert one.task_id != spec.task_id


def test_only_requests_to_replay_look_for_a_script():
    assert wanted(raw({"kind": "explore", "app": APP})) is None
    assert wanted(raw(b"{")) is None
    assert wanted(raw({"kind": "replay", "script": 3})) is None
    assert wanted(raw(PLAIN, "control")) is None


LONGEST = 157
"""Steps of the longest script that is kept, as the tests below make it."""


def test_the_longest_script_that_is_kept_can_be_replayed():
    steps = [{"step": {"tap": "OK"}, "words": "w" * 900} for _ in range(LONGEST)]
    scripts = kept(data(parameters=[], steps=steps))
    (recorded,) = scripts.all(ScriptRecorded)
    assert SCRIPT_BYTES * 0.9 < size_of(recorded.data, {}) <= SCRIPT_BYTES
    assert accepted(scripts).replay.version == 1


def test_a_task_that_would_not_fit_into_its_events_is_refused():
    steps = [{"step": {"tap": "OK"}, "words": "w" * 900} for _ in range(LONGEST)]
    scripts = kept(data(parameters=[], steps=steps))
    names = [f"{n}{'包' * 190}" for n in range(50)]
    rules = {"deny_packages": names, "allow_packages": names}
    assert refused(scripts, rules=rules).code == "TOO_LARGE"
