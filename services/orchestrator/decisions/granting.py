"""Which task gets which phone: the version that a task is about, the order of the queue, what a phone must have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from contracts.orchestrator import RunStarted, TaskGranted, TaskSpec
from contracts.subjects import derived_id
from contracts.values import AppInstall, ResolvedApp
from services.orchestrator.decisions.fleet_state import Fleet, Phone, Queued

DEFAULT_FLEET = derived_id("fleet", "default")
_TICK_S = 5

PinnedModel = tuple[UUID, int]
"""A model configuration and its version, which a run keeps from its start to its end."""


def resolve(spec: TaskSpec, phones: Iterable[Phone]) -> ResolvedApp | None:
    """The version that a task is about: that of the APK it brings along, the one given, else the highest that a phone
    in question has installed."""
    if spec.install is not None:
        return resolved_app(spec.package, spec.install.version_name, spec.install.version_code)
    found = [
        p.versions[spec.package] for p in phones if p.present and _is_meant(spec, p) and spec.package in p.versions
    ]
    if spec.version is not None:
        code = next((c for name, c in found if name == spec.version), None)
        return resolved_app(spec.package, spec.version, code)
    if not found:
        return None
    name, code = max(found, key=lambda v: (v[1] or 0, v[0]))
    return resolved_app(spec.package, name, code)


def resolved_app(package: str, version_name: str, version_code: int | None, label: str | None = None) -> ResolvedApp:
    return ResolvedApp(
        app_id=derived_id("app", package),
        app_version_id=derived_id("app-version", package, version_name),
        package=package,
        name=label or package,
        version_name=version_name,
        version_code=version_code,
    )


def _is_meant(spec: TaskSpec, phone: Phone) -> bool:
    return spec.serial is None or spec.serial == phone.serial


def is_due(queued: Queued, now: datetime) -> bool:
    """Whether the task may start now: nobody holds it, and its time has come."""
    return not queued.held and (queued.spec.schedule_at is None or queued.spec.schedule_at <= now)


def grants(state: Fleet, now: datetime) -> list[TaskGranted]:
    """Phones for tasks that are due and not held: by priority, then by age; a phone must have the very version
    installed, or be one that can run the app which the task brings along."""
    free = [p for p in state.phones.values() if p.present and str(p.device_id) not in state.leases]
    token = state.last_token
    granted = []
    free.sort(key=lambda p: p.serial)
    for queued in sorted(state.queue.values(), key=lambda q: (q.spec.priority, q.order)):
        spec, app = queued.spec, queued.app
        if app is None or not is_due(queued, now):
            continue
        phone = next((p for p in free if fits(spec, app, p)), None)
        if phone is None:
            continue
        free.remove(phone)
        token += 1
        run_id = run_of(spec.task_id)
        granted.append(
            TaskGranted(
                fleet_id=DEFAULT_FLEET,
                task_id=spec.task_id,
                run_id=run_id,
                device_id=phone.device_id,
                lease_token=token,
            )
        )
    return granted


def run_of(task_id: UUID) -> UUID:
    """The run of a task. A task runs once; doing it again is another task."""
    return derived_id("run", task_id)


def fits(spec: TaskSpec, app: ResolvedApp, phone: Phone) -> bool:
    if spec.install is not None:
        return _is_meant(spec, phone) and cannot_run(spec.install, phone) is None
    installed = phone.versions.get(app.package)
    return _is_meant(spec, phone) and installed is not None and installed[0] == app.version_name


def cannot_run(app: AppInstall, phone: Phone) -> str | None:
    """Why an app that is to be installed does not run on a phone; None where it should."""
    if phone.api_level < app.min_api:
        return f"{phone.serial} has API level {phone.api_level}"
    has = phone.tags.get("abis", phone.tags.get("abi", ""))
    if app.abis and has and not set(app.abis) & set(has.split(",")):
        return f"{phone.serial} runs {has.replace(',', ', ')}"
    return None


def run_started(
    grant: TaskGranted, queued: Queued, phone: Phone, now: datetime, version: str, model: PinnedModel | None
) -> RunStarted:
    assert queued.app is not None
    limits = queued.spec.limits
    return RunStarted(
        run_id=grant.run_id,
        task_id=grant.task_id,
        fleet_id=grant.fleet_id,
        device_id=grant.device_id,
        serial=phone.serial,
        lease_token=grant.lease_token,
        spec=queued.spec,
        app=queued.app,
        orchestrator_version=version,
        llm_config_id=None if model is None else model[0],
        llm_config_version=None if model is None else model[1],
        started_at=now,
        ends_at=now + timedelta(seconds=limits.max_duration_s),
        watch_at=now + timedelta(seconds=min(limits.step_timeout_s, limits.max_duration_s) + _TICK_S),
    )
