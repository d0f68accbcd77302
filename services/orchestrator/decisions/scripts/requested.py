"""What people ask about scripts: one is imported, a version is retired or used again. Each request has one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never
from uuid import UUID

from contracts.orchestrator import ScriptAnswered, ScriptRecorded, ScriptRef, ScriptSwitched
from contracts.requests import SCRIPT_REQUEST, ScriptImport, ScriptSwitch
from contracts.scripts import ScriptData
from contracts.sealed import Sealed
from contracts.steps import variables_in
from contracts.subjects import derived_id
from services.orchestrator.decisions.scripts.versions import (
    SCRIPT_BYTES,
    Version,
    Versions,
    checksum_of,
    described,
    script_id_of,
    size_of,
    version_id_of,
)
from services.orchestrator.decisions.scripts_asked import launches_nothing
from services.runtime.handlers import RawRequest
from services.runtime.reactor import Create, Decision
from services.runtime.request_json import RejectedError, parse, read_object

EXAMPLE = '{"kind": "retire", "script": "6f1c..", "version": 2}'


def script_key(raw: RawRequest) -> UUID:
    """The script that a request is about; where that cannot be read, a key of its own, under which there is none."""
    try:
        request = _read(raw)
    except RejectedError:
        return answer_key(raw)
    match request:
        case ScriptImport():
            return script_id_of(raw.user, _name(request))
        case ScriptSwitch():
            return request.script
        case _:
            assert_never(request)


def answer_key(raw: RawRequest) -> UUID:
    """Where the answer to a request is: derived from its user and the id that it has, else from the message."""
    try:
        own = read_object(raw.body, EXAMPLE).get("id")
    except RejectedError:
        own = None
    if isinstance(own, str) and own.strip():
        return derived_id("script-request", raw.user, own.strip()[:200])
    return derived_id("script-request", raw.user, raw.sequence, raw.body[:4096])


def asked(state: Versions, raw: RawRequest) -> Decision:
    try:
        request = _read(raw)
        match request:
            case ScriptImport():
                return _imported(state, raw, request)
            case ScriptSwitch():
                return _switched(state, raw, request)
            case _:
                assert_never(request)
    except RejectedError as error:
        return Decision((), (_answer(raw, False, error.code, error.reason),))


def _imported(state: Versions, raw: RawRequest, request: ScriptImport) -> Decision:
    data = request.script.model_copy(update={"name": _name(request)})
    _check(data, request.defaults)
    script_id, checksum = script_id_of(raw.user, data.name), checksum_of(data)
    if (known := state.alike(checksum)) is not None:
        text = f"version {known.number} of {data.name} is this very script: nothing was added"
        return Decision((), (_answer(raw, True, "UNCHANGED", text, _ref(script_id, known)),))
    number = state.last + 1
    recorded = ScriptRecorded(
        script_id=script_id,
        version=number,
        version_id=version_id_of(script_id, number),
        checksum=checksum,
        origin="IMPORTED",
        name=data.name,
        user=raw.user,
        data=data,
        defaults=Sealed[dict[str, str]].of(dict(request.defaults)) if request.defaults else None,
        metadata=described(data),
    )
    ref = ScriptRef(script_id=script_id, version=number, checksum=checksum)
    return Decision(
        (recorded,), (_answer(raw, True, "IMPORTED", f"{data.name} is version {number} of {script_id}", ref),)
    )


def _switched(state: Versions, raw: RawRequest, request: ScriptSwitch) -> Decision:
    if not state.kept:
        raise RejectedError("UNKNOWN_SCRIPT", f"there is no script {request.script}; `waymark scripts list` has them")
    version = state.get(request.version)
    if version is None:
        raise RejectedError("UNKNOWN_VERSION", f"{no_version(state, request.version)} of {request.script}")
    active = request.kind == "activate"
    ref, word = _ref(request.script, version), "active" if active else "retired"
    if version.active == active:
        text = f"version {version.number} is {word} already"
        return Decision((), (_answer(raw, True, "UNCHANGED", text, ref),))
    switched = ScriptSwitched(
        script_id=request.script,
        version=version.number,
        version_id=version_id_of(request.script, version.number),
        active=active,
        by=raw.user,
        reason=request.reason,
    )
    answer = _answer(raw, True, "ACTIVATED" if active else "RETIRED", f"version {version.number} is {word}", ref)
    return Decision((switched,), (answer,))


def no_version(state: Versions, number: int) -> str:
    """Why a version is not there, as the beginning of a sentence."""
    if 0 < number < state.kept[0].number:
        return f"version {number} is too old to be used: versions {state.kept[0].number} to {state.last} are kept"
    return f"there is no version {number}, the last one is {state.last}"


def _check(data: ScriptData, defaults: Mapping[str, str]) -> None:
    """What fields say only together. Raises `RejectedError`."""
    names = [parameter.name for parameter in data.parameters]
    if len(set(names)) < len(names):
        raise RejectedError("INVALID", "script.parameters: a name is there twice")
    used = variables_in([step.model_dump(mode="json") for step in data.steps])
    if unknown := sorted(name for name in used if name not in names and not name.startswith("account.")):
        raise RejectedError("INVALID", f"script.steps: there is no parameter {', '.join(unknown)}")
    if unknown := sorted(defaults.keys() - set(names)):
        raise RejectedError("INVALID", f"defaults: there is no parameter {', '.join(unknown)}")
    if secret := sorted(p.name for p in data.parameters if p.secret and p.name in defaults):
        raise RejectedError("INVALID", f"defaults: {', '.join(secret)} is a secret, which has no default")
    if data.app is None and launches_nothing(step.step for step in data.steps):
        raise RejectedError("INVALID", "script.steps: launch: which app? Name it there, or give `app`")
    if (size := size_of(data, defaults)) > SCRIPT_BYTES:
        raise RejectedError("TOO_LARGE", f"the script is {size} bytes long; {SCRIPT_BYTES} is the most")


def _read(raw: RawRequest) -> ScriptImport | ScriptSwitch:
    return parse(raw.body, SCRIPT_REQUEST, EXAMPLE)


def _name(request: ScriptImport) -> str:
    return request.name or request.script.name.strip()


def _ref(script_id: UUID, version: Version) -> ScriptRef:
    return ScriptRef(script_id=script_id, version=version.number, checksum=version.checksum)


def _answer(raw: RawRequest, done: bool, code: str, text: str, script: ScriptRef | None = None) -> Create:
    answered = ScriptAnswered(
        request_id=answer_key(raw), user=raw.user, done=done, code=code, text=text[:2000], script=script
    )
    return Create((answered,))
