"""Which model configuration a run keeps from its start to its end, and why a task waits for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from contracts.orchestrator import ConfigChanged, TaskSpec
from contracts.values import ConfigType

_NAMED = 5


@dataclass(frozen=True)
class PinnedModel:
    """A model configuration and its version. `confirmed_apis`: its HTTP calls to which a person has to agree."""

    config_id: UUID
    version: int
    name: str
    confirmed_apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Models:
    """The model configurations that are switched on, in the order in which they were changed."""

    known: tuple[PinnedModel, ...] = ()

    def of(self, spec: TaskSpec) -> PinnedModel | None:
        """The one that a run of this task keeps: the one that it names, else the one changed last. None: no model."""
        named = _named(spec)
        if named is None:
            return self.known[-1] if self.known else None
        return next((model for model in self.known if model.name == named), None)

    def missing(self, spec: TaskSpec) -> str | None:
        """Why a task cannot begin for want of a model; None where it has one, or does without."""
        named = _named(spec)
        if self.of(spec) is not None or (spec.kind != "task" and named is None):
            return None
        if named is None or not self.known:
            what = "no model is configured" if named is None else f"there is no model configuration {named}"
            return f"{what}: `waymark config set LLM NAME base_url=.. model=..` sets one"
        names = [model.name for model in reversed(self.known)]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"no model configuration {named} is switched on; there is {', '.join(names[:_NAMED])}{more}"


def models_of(configs: Iterable[ConfigChanged]) -> Models:
    """By the last word on each configuration, in the order of the log."""
    return Models(
        tuple(
            PinnedModel(config.config_id, config.version, config.name, _confirmed(config))
            for config in configs
            if config.config_type is ConfigType.LLM and config.enabled
        )
    )


def _confirmed(config: ConfigChanged) -> tuple[str, ...]:
    """Its shape was checked when it was set, by the rules of that time."""
    return tuple(api["name"] for api in config.config.get("apis", ()) if api.get("confirm", True))


def _named(spec: TaskSpec) -> str | None:
    """The model that a task names, where it would ask one."""
    asks = spec.kind == "task" or (spec.replay is not None and spec.replay.repair)
    return spec.rules.model if asks and spec.rules is not None else None
