"""Which model a task gets, and what it waits for where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from contracts.orchestrator import ConfigChanged, RunStarted, TaskAccepted, TaskBlocked, TaskRules
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import ANDROID, ConfigType
from services.orchestrator.decisions.fleet import decide_fleet
from services.orchestrator.decisions.fleet_state import FLEET
from services.orchestrator.decisions.models import Models, models_of
from tests.orchestrator.runs import RunStory
from tests.orchestrator.stories import Story
from tests.orchestrator.test_blocked import watch
from tests.orchestrator.test_fleet import apps, ready


def config(name: str, version: int = 1, *, enabled: bool = True, kind: str = "LLM", **more) -> ConfigChanged:
    return ConfigChanged(
        config_id=derived_id("config", kind, name), version=version, config_type=ConfigType(kind), name=name,
        secret_ref="none", config={"base_url": "http://127.0.0.1:9/v1", "model": "m", **more}, enabled=enabled,
        changed_by="alice",
    )  # fmt: skip


@dataclass
class Pool:
    """A fleet with one phone, and the models that there are."""

    models: Models = field(default_factory=Models)

    def begin(self, spec) -> Story:
        told = Story(FLEET, lambda state, trigger, now: decide_fleet(state, trigger, now, "1.0", self.models))
        told.when(ready("p1"))
        told.when(apps("p1", "1.0"))
        told.when(TaskAccepted(task_id=spec.task_id, spec=spec))
        return told


def spec(kind: str = "task", **rules):
    started = RunStory.go(kind=kind, goal=Sealed[str].of("x"), rules=TaskRules(**rules)).started
    return started.spec.model_copy(update={"version": "1.0"})


def started(told: Story) -> RunStarted | None:
    found = told.all(RunStarted)
    return found[-1] if found else None


def test_the_model_that_was_changed_last_is_taken_unless_the_task_names_another():
    api = {"name": "pay", "url": "http://127.0.0.1:1/"}
    models = models_of([config("small", apis=[api, {**api, "name": "read", "confirm": False}]), config("big", 7)])
    run = started(Pool(models).begin(spec()))
    assert (run.llm_config_id, run.llm_config_version, run.confirmed_apis) == (config("big").config_id, 7, ())
    run = started(Pool(models).begin(spec(model="small")))
    assert (run.llm_config_id, run.confirmed_apis) == (config("small").config_id, ("pay",))


@pytest.mark.parametrize(
    ("models", "named", "reason"),
    [
        ([], None, "no model is configured"),
        ([config("main", enabled=False)], None, "no model is configured"),
        ([config("qa", kind="ALERT_CHANNEL")], None, "no model is configured"),
        ([config("main"), config("big")], "bigg", "no model configuration bigg is switched on; there is big, main"),
    ],
)
def test_a_task_without_its_model_waits_and_says_why(models, named, reason: str):
    pool = Pool(models_of(models))
    told = pool.begin(spec(model=named))
    assert started(told) is None
    watch(told)
    assert reason in told.last(TaskBlocked).reason
    pool.models = models_of([config("bigg")])
    watch(told)
    assert started(told) is not None


def test_an_exploration_needs_no_model():
    assert started(Pool().begin(spec("explore"))).llm_config_id is None


def test_a_task_of_the_phone_itself_is_granted_like_any_other():
    android = spec().model_copy(update={"package": ANDROID, "version": None})
    pool = Pool(models_of([config("main")]))
    told = Story(FLEET, lambda state, trigger, now: decide_fleet(state, trigger, now, "1.0", pool.models))
    told.when(ready("p1"))
    seen = apps("p1", "1.0")
    phone = seen.packages[0].model_copy(update={"package": ANDROID, "version_name": "14"})
    told.when(seen.model_copy(update={"packages": (*seen.packages, phone)}))
    told.when(TaskAccepted(task_id=android.task_id, spec=android))
    assert started(told).app.package == ANDROID
