"""A step whose element is gone: the model is asked where it is now, for that step only, if the task allows that. Pure.

What the model may say is where the step's element is; what is done to it stays the script's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from contracts.orchestrator import RunUsage, ScreenAsked, StepFinished, TurnRequested, TurnTaken
from contracts.screen_indexer import CaptureIndexed
from contracts.steps import DoubleTapStep, LongPressStep, Step, TapStep, TypeStep
from contracts.values import AnyIntent, ElementSeen, TapAt, Target, TurnRead, TypeText

REPAIRABLE = TapStep | LongPressStep | DoubleTapStep | TypeStep
_PRESSES: dict[type, str] = {TapStep: "TAP", LongPressStep: "LONG", DoubleTapStep: "DOUBLE"}


@dataclass(frozen=True)
class Repair:
    """Folded from the run's events. `asked`: the model is being asked; `taken`: its answer, which is done now;
    `mended`: answers that were done successfully, by the row of their step."""

    asked: TurnRequested | None = None
    taken: TurnTaken | None = None
    mended: Mapping[int, TurnTaken] = field(default_factory=dict)
    usage: RunUsage = field(default_factory=RunUsage)
    model: str | None = None

    def ask(self, event: TurnRequested) -> Repair:
        return replace(self, asked=event)

    def take(self, event: TurnTaken) -> Repair:
        usage = RunUsage(
            turns=self.usage.turns + 1,
            prompt_tokens=self.usage.prompt_tokens + event.prompt_tokens,
            completion_tokens=self.usage.completion_tokens + event.completion_tokens,
            cost=str(Decimal(self.usage.cost) + Decimal(event.cost)),
            model_ms=self.usage.model_ms + event.latency_ms,
        )
        taken = event if event.verdict == "ACT" else None
        return replace(self, asked=None, taken=taken, usage=usage, model=event.model_name or self.model)

    def finish(self, row: int, event: StepFinished) -> Repair:
        """After the step that did what was taken."""
        if self.taken is None or event.turn != self.taken.turn:
            return self
        mended = {**self.mended, row: self.taken} if event.succeeded else self.mended
        return replace(self, taken=None, mended=mended)


def screen_asked(seen: CaptureIndexed) -> ScreenAsked:
    """The screen in front, as a model is asked about it."""
    return ScreenAsked(
        package=seen.package,
        app_name="" if seen.app is None else seen.app.name,
        activity=seen.activity,
        screen_id=seen.screen_id,
        screen_name=seen.screen_name,
        state_id=seen.state_id,
        screenshot=seen.screenshot,
        screenshot_absent=seen.screenshot_absent,
        hierarchy=seen.hierarchy,
        hierarchy_absent=seen.hierarchy_absent,
        width=seen.width,
        height=seen.height,
    )


def read_of(taken: TurnTaken) -> TurnRead:
    return TurnRead() if taken.read is None or taken.read.clear is None else TurnRead.model_validate(taken.read.clear)


def element_of(intent: AnyIntent | None) -> ElementSeen | None:
    return intent.element if isinstance(intent, TapAt | TypeText) else None


def unfit(step: Step, intent: AnyIntent | None) -> str | None:
    """Why an answer does not say where the step's element is; None where it does."""
    if not isinstance(intent, TapAt | TypeText):
        return f"it does not say where that is now, but wants {'nothing' if intent is None else intent.act}"
    if isinstance(step, TypeStep):
        named = element_of(intent)
        if named is not None and not (named.editable or named.password):
            return "what it points at takes no text"
    elif not isinstance(intent, TapAt) or intent.press != _PRESSES.get(type(step)):
        return f"it wants another gesture ({intent.act})"
    if intent.element is None or not intent.element.targets:
        return "it points at no element that can be found again"
    if isinstance(intent, TapAt) and intent.sensitive is not None:
        return f"it says itself that this needs consent: {intent.sensitive}"
    return None


def aimed_at(step: Step, target: Target) -> Step:
    """The same step, done to another target."""
    match step:
        case TapStep(tap=body):
            return TapStep(tap=body.model_copy(update={"element": target}))
        case LongPressStep(long_press=body):
            return LongPressStep(long_press=body.model_copy(update={"element": target}))
        case DoubleTapStep(double_tap=body):
            return DoubleTapStep(double_tap=body.model_copy(update={"element": target}))
        case TypeStep(type=typing):
            return TypeStep(type=typing.model_copy(update={"into": target}))
        case _:
            return step
