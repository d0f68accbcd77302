"""Which task gets which phone: the version that a task is about, the order of the queue, what a phone must have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.orchestrator import RunStarted, TaskGranted, TaskSpec
from contracts.subjects import derived_id
from contracts.values import AppInstall, ResolvedApp, unmet
from services.orchestrator.decisions.accounts import FreeAccounts
from services.orchestrator.decisions.fleet_model import DEFAULT_FLEET, Fleet, Phone, Queued, all_tags
from services.orchestrator.decisions.models import Models
from services.orchestrator.decisions.turns import Turns

_TICK_S = 5


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
    return (spec.serial is None or spec.serial == phone.serial) and not unmet(spec.where, all_tags(phone))


class Candidates:
    """Which phones could take a task, busy or not. What many tasks have in common is looked at once: the queue is long,
    and so are the lists of what phones have installed. Whatever `fits` reads of a task is part of what is asked."""

    def __init__(self, state: Fleet, now: datetime) -> None:
        self._state, self._now = state, now
        self._here = sorted((p for p in state.phones.values() if p.present and not p.retired), key=lambda p: p.serial)
        self._known: dict[tuple[Any, ...], tuple[Phone, ...]] = {}
        self._devices = {key: set(group.devices) for key, group in state.groups.items()}

    def of(self, queued: Queued) -> tuple[Phone, ...]:
        """By serial."""
        spec, app = queued.spec, queued.app
        if app is None:
            return ()
        asked = (spec.serial, spec.where, app.package, app.version_name, spec.install)
        if asked not in self._known:
            self._known[asked] = tuple(p for p in self._here if fits(spec, app, p))
        return tuple(p for p in self._known[asked] if self._is_given(p, spec))

    def _is_given(self, phone: Phone, spec: TaskSpec) -> bool:
        used = spec.group is not None and phone.device_id in self._devices.get(str(spec.group), ())
        return not used and takes(phone, spec, self._now)

    def use(self, spec: TaskSpec, phone: Phone) -> None:
        """A member of a group got the phone: the others get another one."""
        if spec.group is not None:
            self._devices.setdefault(str(spec.group), set()).add(phone.device_id)


def takes(phone: Phone, spec: TaskSpec, now: datetime) -> bool:
    """Whether the phone takes tasks like this at all: not in quarantine (but for a probe of it), not reserved for
    somebody else."""
    if phone.quarantine is not None and not (spec.probe and spec.serial == phone.serial):
        return False
    reserved = phone.reserved_at(now)
    return reserved is None or reserved.user == spec.user


def grants(state: Fleet, now: datetime, models: Models) -> list[TaskGranted]:
    """Phones for tasks that are due and not held, in their turn; a phone must have the very version installed, or be
    one that can run the app which the task brings along; a test account must be free where the task needs one, and a
    model be configured."""
    free = {p.device_id for p in state.phones.values() if p.present and str(p.device_id) not in state.leases}
    if not free:
        return []
    turns = Turns(state, now)
    candidates, accounts = Candidates(state, now), FreeAccounts(state)
    token = state.last_token
    granted = []
    while free and (queued := turns.next()) is not None:
        spec = queued.spec
        phone = next((p for p in candidates.of(queued) if p.device_id in free), None)
        without = models.missing(spec) or (spec.account is not None and not accounts.has(spec.account))
        if phone is None or without:
            turns.passed()
            continue
        token += 1
        grant = TaskGranted(
            fleet_id=DEFAULT_FLEET,
            task_id=spec.task_id,
            run_id=run_of(spec.task_id),
            device_id=phone.device_id,
            lease_token=token,
            account=None if spec.account is None else accounts.take(spec.account),
        )
        granted.append(grant)
        free.remove(phone.device_id)
        candidates.use(spec, phone)
        turns.served(token)
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
    grant: TaskGranted, queued: Queued, phone: Phone, now: datetime, version: str, models: Models
) -> RunStarted:
    assert queued.app is not None
    model = models.of(queued.spec)
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
        account=grant.account,
        llm_config_id=None if model is None else model.config_id,
        llm_config_version=None if model is None else model.version,
        confirmed_apis=() if model is None else model.confirmed_apis,
        started_at=now,
        ends_at=now + timedelta(seconds=limits.max_duration_s),
        watch_at=now + timedelta(seconds=min(limits.step_timeout_s, limits.max_duration_s) + _TICK_S),
    )
