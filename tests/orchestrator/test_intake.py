"""Requests: each gets one answer, whatever its bytes are, and a refusal says what to change."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import Envelope
from contracts.event import MAX_EVENT_BYTES
from contracts.orchestrator import TaskAccepted, TaskPauseAsked, TaskRejected, TaskStopAsked, UserSeen
from contracts.values import CoverageProfile
from services.orchestrator.decisions.intake import TASK, answer_key, decide_request, task_key
from services.runtime.handlers import RawRequest
from tests.orchestrator.stories import BEGIN, Story, names

PLAIN = {"kind": "explore", "app": "com.example"}


def story() -> Story:
    return Story(TASK, decide_request)


def raw(body: object, kind: str = "task", user: str = "alice", sequence: int = 7) -> RawRequest:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawRequest(kind, user, data, sequence)


def refused(body: object, kind: str = "task") -> TaskRejected:
    (event,) = story().when(raw(body, kind))
    assert isinstance(event, TaskRejected)
    return event


def test_a_plain_request_is_accepted_with_the_defaults():
    accepted, user = story().when(raw(PLAIN))
    assert isinstance(accepted, TaskAccepted)
    assert isinstance(user, UserSeen)
    spec = accepted.spec
    assert (spec.package, spec.name, spec.user, spec.priority) == ("com.example", "explore com.example", "alice", 3)
    assert spec.profile is CoverageProfile.FULL
    assert accepted.task_id == spec.task_id == task_key(raw(PLAIN))


def test_where_and_how_often_reach_the_task():
    asked = PLAIN | {
        "where": ["model = Pixel*", "api>=33"], "phones": "all", "account": "checkout", "schedule": "0 3 * * *",
        "zone": "Asia/Shanghai",
    }  # fmt: skip
    spec = story().when(raw(asked))[0].spec
    assert spec.where == ("model=Pixel*", "api>=33")
    assert (spec.phones, spec.account, spec.schedule, spec.zone) == ("all", "checkout", "0 3 * * *", "Asia/Shanghai")
    assert story().when(raw(PLAIN | {"phones": 3}))[0].spec.phones == 3
    assert story().when(raw(PLAIN | {"probe": True, "serial": "R58M"}))[0].spec.probe


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"where": ["api=>33"]}, "where.0: 'api=>33': => is no operator; there are = != >= <= > <"),
        ({"where": ["model>=Pixel"]}, "for a text write model=Pixel or model!=Pixel"),
        ({"phones": 0}, "phones"),
        ({"phones": "some"}, "phones"),
        ({"phones": "all", "serial": "R58M"}, "phones: with `serial` it is one phone"),
        ({"schedule": "0 25 * * *"}, "Bad hour"),
        ({"schedule": "0 3 * * *", "zone": "Mars"}, "zone: 'Mars' is no time zone"),
        ({"zone": "UTC"}, "zone: it is the time zone of `schedule`"),
        ({"schedule": "0 3 * * *", "schedule_at": "2026-03-05T00:00:00Z"}, "schedule: it says when"),
        ({"probe": True}, "probe: it tries out one phone"),
    ],
)
def test_a_wrong_place_or_time_is_refused_with_what_to_write(fields: dict[str, object], says: str):
    assert says in refused(PLAIN | fields).reason


def test_every_field_reaches_the_task():
    asked = PLAIN | {
        "version": "1.2", "name": "夜间 探索", "profile": "CUSTOM", "priority": 1, "serial": "R58M", "seed": 9,
        "coverage": {"blacklist": ["*logout*"], "priorities": ["*cart*"], "packages": ["com.camera.app"]},
        "limits": {"max_steps": 10, "max_duration_s": 60, "step_timeout_s": 5}, "validate_locators": False,
    }  # fmt: skip
    spec = story().when(raw(asked))[0].spec
    assert (spec.version, spec.name, spec.priority, spec.serial, spec.seed) == ("1.2", "夜间 探索", 1, "R58M", 9)
    assert spec.coverage.blacklist == ("*logout*",)
    assert (spec.limits.max_steps, spec.validate_locators) == (10, False)


MALFORMED = {
    "not text": (b"\xff\xfe{}", "NOT_UTF8", "byte 0"),
    "cut off in a character": ('{"kind": "explore", "app": "文"}'.encode()[:-4], "NOT_UTF8", "cannot be read"),
    "nothing": (b"", "NOT_JSON", "Expecting value"),
    "not JSON": (b"explore com.example", "NOT_JSON", "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "NOT_JSON", "BOM"),
    "NaN": (b'{"kind": "explore", "app": "a.b", "seed": NaN}', "NOT_JSON", "NaN"),
    "Infinity": (b'{"kind": "explore", "app": "a.b", "seed": -Infinity}', "NOT_JSON", "Infinity"),
    "a number beyond all floats": (b'{"kind": "explore", "app": "a.b", "seed": 1e999}', "NOT_JSON", "too large"),
    "a number of 5000 digits": (b'{"seed": ' + b"9" * 5000 + b"}", "NOT_JSON", "digits"),
    "a list": (b"[]", "NOT_AN_OBJECT", "must be a JSON object"),
    "a text": (b'"explore"', "NOT_AN_OBJECT", "must be a JSON object"),
    "21 levels": (b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}", "TOO_DEEP", "20 levels"),
    "100,000 levels": (b"[" * 100_000, "TOO_DEEP", "20 levels"),
    "too long": (b" " * (256 * 1024 + 1), "TOO_LARGE", "262144"),
    "unknown kind": ({"kind": "fly", "app": "a.b"}, "INVALID", "explore"),
    "no kind": ({"app": "a.b"}, "INVALID", "kind"),
    "unknown field": (PLAIN | {"ap": "x"}, "INVALID", "ap: there is no such field"),
    "no app": ({"kind": "explore"}, "INVALID", "app is missing: name its package"),
    "a field twice": (b'{"kind": "explore", "app": "a.b", "app": "c.d"}', "NOT_JSON", '"app" is there twice'),
    "text for a number": (PLAIN | {"priority": "3"}, "INVALID", "priority"),
    "true for a number": (PLAIN | {"priority": True}, "INVALID", "priority"),
    "priority 0": (PLAIN | {"priority": 0}, "INVALID", "greater than or equal to 1"),
    "negative steps": (PLAIN | {"limits": {"max_steps": -1}}, "INVALID", "limits.max_steps"),
    "null": (PLAIN | {"limits": None}, "INVALID", "limits"),
    "unknown profile": (PLAIN | {"profile": "ALL"}, "INVALID", "FULL"),
    "a list for the app": (PLAIN | {"app": ["a.b"]}, "INVALID", "app"),
    "one word as app": (PLAIN | {"app": "example"}, "INVALID", "example"),
    "shell in the app": (PLAIN | {"app": "a.b; rm -rf /"}, "INVALID", "app"),
    "a path in the app": (PLAIN | {"app": "../../etc/passwd"}, "INVALID", "app"),
    "SQL in the app": (PLAIN | {"app": "a.b' OR '1'='1"}, "INVALID", "app"),
    "a script in the app": (PLAIN | {"app": "<script>alert(1)</script>"}, "INVALID", "app"),
    "a line break behind the app": (PLAIN | {"app": "a.b\n"}, "INVALID", "app"),
    "an app of 300 characters": (PLAIN | {"app": "a." + "b" * 300}, "INVALID", "200"),
    "an empty id": (PLAIN | {"id": "  "}, "INVALID", "id"),
    "a zero character": (PLAIN | {"name": "a\0b"}, "INVALID", "U+0000"),
    "half a surrogate pair": (b'{"kind": "explore", "app": "a.b", "id": "\\ud800"}', "INVALID", "U+D800"),
    "51 rules": (PLAIN | {"coverage": {"blacklist": ["x"] * 51}}, "INVALID", "50"),
    "a time without a zone": (PLAIN | {"schedule_at": "2026-03-05T08:00:00"}, "INVALID", "time zone"),
    "a time that is none": (PLAIN | {"schedule_at": "tomorrow"}, "INVALID", "schedule_at"),
    "a time in the year 9999": (PLAIN | {"schedule_at": "9999-12-31T23:59:59-12:00"}, "INVALID", "year ahead"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_in_words_that_help(name: str):
    body, code, words = MALFORMED[name]
    event = refused(body)
    assert event.code == code
    assert words in event.reason
    assert len(event.reason) < 2000


def test_brackets_inside_texts_do_not_count_as_depth():
    assert names(story().when(raw(PLAIN | {"name": "[{" * 90})))[0] == "TaskAccepted"
    assert names(story().when(raw(b'{"kind": "explore", "app": "a.b", "name": "\\"[[[[[[[[[[[[[[[[[[[[[[[[["}')))[
        0
    ] == ("TaskAccepted")


def test_a_refusal_fits_into_an_event_whatever_it_quotes():
    huge = b'{"kind": "explore", "app": "a.b", "' + b"x" * 250_000 + b'": 1}'
    event = refused(huge)
    wrapped = Envelope.wrap(event, event_id=uuid4(), time=BEGIN, causation_id=None, run_id=None, traceparent=None)
    assert len(wrapped.model_dump_json()) < MAX_EVENT_BYTES / 10


def test_texts_that_look_dangerous_are_only_texts():
    name = "'; DROP TABLE tasks; -- <script>alert(1)</script> $(reboot)"
    assert story().when(raw(PLAIN | {"name": name}))[0].spec.name == name


def test_a_scheduled_time_is_kept_in_utc():
    spec = story().when(raw(PLAIN | {"schedule_at": "2026-03-05T08:00:00+08:00"}))[0].spec
    assert spec.schedule_at == datetime(2026, 3, 5, tzinfo=UTC)
    assert spec.schedule_at.utcoffset() == timedelta(0)


def test_a_time_that_is_over_is_accepted():
    assert names(story().when(raw(PLAIN | {"schedule_at": "2020-01-01T00:00:00Z"})))[0] == "TaskAccepted"


def test_two_publications_with_the_users_own_id_are_one_task():
    told = story()
    first, second = raw(PLAIN | {"id": "nightly-7"}, sequence=1), raw(PLAIN | {"id": " nightly-7 "}, sequence=2)
    assert task_key(first) == task_key(second)
    assert names(told.when(first)) == ["TaskAccepted", "UserSeen"]
    assert told.when(second) == []


def test_the_same_id_of_another_user_is_another_task():
    mine = PLAIN | {"id": "nightly"}
    assert task_key(raw(mine, user="alice")) != task_key(raw(mine, user="bob"))


def test_an_id_that_was_refused_can_be_published_again():
    told = story()
    assert names(told.when(raw({"kind": "explore", "id": "x"}))) == ["TaskRejected"]
    assert names(told.when(raw(PLAIN | {"id": "x"}))) == ["TaskAccepted", "UserSeen"]


def test_without_an_id_each_message_is_a_task_of_its_own():
    assert task_key(raw(PLAIN, sequence=1)) != task_key(raw(PLAIN, sequence=2))
    assert task_key(raw(PLAIN, sequence=1)) == task_key(raw(PLAIN, sequence=1))


@pytest.fixture
def accepted() -> tuple[Story, UUID]:
    told = story()
    told.when(raw(PLAIN))
    return told, task_key(raw(PLAIN))


@pytest.mark.parametrize(("kind", "paused"), [("pause", True), ("resume", False)])
def test_a_task_is_paused_and_resumed(accepted: tuple[Story, UUID], kind: str, paused: bool):
    told, task = accepted
    (event,) = told.when(raw({"kind": kind, "task": str(task)}, "control", "bob"))
    assert isinstance(event, TaskPauseAsked)
    assert (event.task_id, event.pause, event.user, event.reason) == (task, paused, "bob", "asked for by bob")


def test_a_task_is_stopped_with_the_reason_given(accepted: tuple[Story, UUID]):
    told, task = accepted
    (event,) = told.when(raw({"kind": "stop", "task": str(task), "reason": "wrong build"}, "control"))
    assert isinstance(event, TaskStopAsked)
    assert event.reason == "wrong build"


def test_control_of_an_unknown_task_is_refused_under_a_key_of_its_own():
    anybody = uuid4()
    asked = raw({"kind": "stop", "task": str(anybody)}, "control")
    (event,) = story().when(asked)
    assert isinstance(event, TaskRejected)
    assert event.code == "UNKNOWN_TASK"
    assert str(anybody) in event.reason
    assert event.task_id == answer_key(asked) != anybody


def test_a_bad_control_request_leaves_the_task_as_it_is(accepted: tuple[Story, UUID]):
    told, task = accepted
    before = told.state
    (event,) = told.when(raw({"kind": "explode", "task": str(task)}, "control"))
    assert event.code == "INVALID"
    assert event.task_id != task
    assert told.state == before
    assert names(told.when(raw({"kind": "stop", "task": str(task)}, "control"))) == ["TaskStopAsked"]


@pytest.mark.parametrize("body", [{"kind": "stop"}, {"kind": "stop", "task": "x"}, {"kind": "stop", "task": 7}, b"{"])
def test_a_malformed_control_request_is_refused(body: object):
    assert refused(body, "control").code in {"INVALID", "NOT_JSON"}


def test_a_request_that_is_delivered_twice_is_decided_once():
    told, request_id = story(), uuid4()
    assert told.when(raw(PLAIN), trigger_id=request_id)
    assert told.when(raw(PLAIN), trigger_id=request_id) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = ("kind", "app", "id", "task", "name", "profile", "coverage", "priority", "schedule_at", "limits", "seed")
_NEARLY = st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6).map(
    lambda fields: json.dumps(PLAIN | fields).encode()
)


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=300) | _JSON.map(lambda v: json.dumps(v).encode()) | _NEARLY,
       kind=st.sampled_from(["task", "control"]))  # fmt: skip
def test_whatever_is_published_gets_exactly_one_answer(body: bytes, kind: str):
    events = story().when(raw(body, kind))
    answers = [event for event in events if isinstance(event, TaskAccepted | TaskRejected)]
    assert len(answers) == 1
    wrapped = Envelope.wrap(answers[0], event_id=uuid4(), time=BEGIN, causation_id=None, run_id=None, traceparent=None)
    payload = wrapped.model_dump_json().encode()
    assert len(payload) < MAX_EVENT_BYTES
    assert Envelope.model_validate_json(payload).open() == answers[0]


# --- steps ------------------------------------------------------------------------------------------------------------


def test_a_task_of_steps_without_an_app_is_about_the_phone_and_counts_for_no_coverage():
    spec = story().when(raw({"kind": "steps", "steps": ["back", {"tap": "登录"}], "quiet": True}))[0].spec
    assert (spec.kind, spec.package, spec.name, spec.quiet) == ("steps", "android", "steps the phone", True)
    assert (spec.profile, spec.validate_locators) == (CoverageProfile.CUSTOM, False)
    assert [next(iter(step)) for step in spec.script.clear["steps"]] == ["press", "tap"]


def test_a_set_up_is_kept_with_its_variables_and_readable_by_nobody_without_the_key():
    setup = [{"type": {"into": "id=user", "text": "{{who}}"}}, {"type": {"into": "id=pin", "text": "{{account.pin}}"}}]
    accepted = story().when(raw(PLAIN | {"setup": setup, "variables": {"who": "小明"}}))[0]
    assert accepted.spec.script.clear["variables"] == {"who": "小明"}
    assert "小明" not in accepted.model_dump_json()
    assert story().when(raw(PLAIN))[0].spec.script is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "steps"}, "steps: this field is needed"),
        ({"kind": "steps", "steps": []}, "steps: "),
        ({"kind": "steps", "steps": [{"tapp": "x"}]}, "a step is one of launch"),
        ({"kind": "steps", "steps": ["launch"]}, "launch: which app?"),
        ({"kind": "steps", "steps": [{"if_seen": {"visible": "a", "steps": ["launch"]}}]}, "launch: which app?"),
        ({"kind": "steps", "steps": [{"tap": "{{who}}"}]}, "no variable is given for who"),
        (PLAIN | {"variables": {"who": "x"}}, "there are no steps"),
        (PLAIN | {"setup": [{"type": {"into": "a", "secret": "hunter2"}}]}, "secret"),
        ({"kind": "steps", "steps": [{"tap": "x" * 900}] * 150}, "60000 is the most"),
        ({"kind": "steps", "steps": [{"if_seen": {"visible": "a", "steps": ["back"] * 150}}] * 2}, "302 steps, 2 deep"),
    ],
)
def test_steps_that_cannot_be_done_are_refused_with_the_reason(body: dict, said: str):
    assert said in refused(body).reason


def test_the_largest_script_fits_into_the_events_that_hold_it():
    text = "字" * 1_000
    body = {"kind": "steps", "steps": [{"tap": text}] * 19}
    accepted = story().when(raw(body))[0]
    size = len(accepted.model_dump_json()) + 2 * len(
        json.dumps(accepted.spec.script.clear, ensure_ascii=False).encode()
    )
    assert size < MAX_EVENT_BYTES / 2


# --- apps that are brought along, and doing it again ------------------------------------------------------------------

KEY = f"ab/ab{'0' * 62}.apk"
INSTALL = {"package": "com.example", "version": "2.0", "version_code": 20, "apk": KEY}


def test_an_app_to_install_needs_no_name_and_its_files_are_known_by_their_keys():
    spec = story().when(raw({"kind": "explore", "install": INSTALL | {
        "splits": [{"name": "config.zh", "key": KEY.replace("ab", "cd")}], "reset": "data", "grant_all": True,
        "keep": False, "min_api": 26, "abis": ["arm64-v8a"],
    }}))[0].spec  # fmt: skip
    assert (spec.package, spec.name, spec.version) == ("com.example", "explore com.example", None)
    install = spec.install
    assert [(apk.split, apk.sha256) for apk in install.apks] == [
        (None, "ab" + "0" * 62),
        ("config.zh", "cd" + "0" * 62),
    ]
    assert (install.reset, install.grant_all, install.keep) == ("DATA", True, False)
    assert (install.min_api, install.abis) == (26, ("arm64-v8a",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"app": "com.other"}, "app is com.other, but the APK is of com.example: leave app out"),
        ({"version": "1.0"}, "version is 1.0, but the APK is version 2.0: leave version out"),
        ({"install": INSTALL | {"apk": "my.apk"}}, "install.apk"),
        ({"install": INSTALL | {"apk": "../../etc/passwd.apk"}}, "install.apk"),
        ({"install": INSTALL | {"reset": "all"}}, "install.reset"),
        ({"install": {"package": "com.example", "version": "2.0"}}, "install.apk: this field is needed"),
    ],
)
def test_an_app_that_does_not_fit_is_refused(changes: dict, words: str):
    event = refused({"kind": "explore", "install": INSTALL} | changes)
    assert event.code == "INVALID"
    assert words in event.reason


def test_a_retry_is_the_same_task_again_for_whoever_asks(accepted: tuple[Story, UUID]):
    told, task_id = accepted
    old = told.last(TaskAccepted).spec
    again, user = told.when(raw({"kind": "retry", "task": str(task_id), "id": "again"}, "control", user="bob"))
    assert isinstance(again, TaskAccepted)
    assert isinstance(user, UserSeen)
    spec = again.spec
    assert (spec.retries, spec.user, again.task_id) == (task_id, "bob", spec.task_id)
    assert again.task_id != task_id
    own = {"task_id", "user", "user_id", "retries", "accepted_at", "schedule_at"}
    assert spec.model_dump(exclude=own) == old.model_dump(exclude=own)
    twice = (
        story()
        .given(told.last(TaskAccepted))
        .when(raw({"kind": "retry", "task": str(task_id), "id": "again"}, "control", user="bob", sequence=99))
    )
    assert twice[0].task_id == again.task_id, "with an id of one's own, sent twice is one task"


def test_each_retry_without_an_id_is_a_task_of_its_own(accepted: tuple[Story, UUID]):
    told, task_id = accepted
    ids = {told.when(raw({"kind": "retry", "task": str(task_id)}, "control", sequence=n))[0].task_id for n in (20, 21)}
    assert len(ids) == 2


def test_a_scheduled_task_is_retried_at_once():
    told = story()
    later = (BEGIN + timedelta(days=1)).isoformat()
    task_id = told.when(raw(PLAIN | {"schedule_at": later}))[0].task_id
    assert told.when(raw({"kind": "retry", "task": str(task_id)}, "control"))[0].spec.schedule_at is None


@pytest.mark.parametrize(
    "made", [{"group": uuid4()}, {"scheduled_by": uuid4()}, {"schedule": "0 3 * * *", "zone": "UTC"}]
)
def test_a_task_that_the_fleet_made_or_repeats_is_retried_once_and_on_its_own(accepted: tuple[Story, UUID], made: dict):
    told, task_id = accepted
    spec = told.last(TaskAccepted).spec.model_copy(update=made)
    known = story().given(TaskAccepted(task_id=task_id, spec=spec))
    again = known.when(raw({"kind": "retry", "task": str(task_id)}, "control"))[0].spec
    assert [getattr(again, name) for name in made] == [None] * len(made)
