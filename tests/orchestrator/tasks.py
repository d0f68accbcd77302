"""A task in plain language told as a story: what its phone shows, what the model wants, what people say."""

from __future__ import annotations

from typing import Any

from contracts.event import Event
from contracts.llm_gateway import ApiCallFinished, CallFinished
from contracts.orchestrator import (
    ApiCallRequested,
    PersonAsked,
    PersonSaid,
    RunFinished,
    TaskRules,
    TurnRequested,
    TurnTaken,
)
from contracts.sealed import Sealed
from contracts.subjects import derived_id
from contracts.values import (
    AnyIntent,
    Bounds,
    ElementSeen,
    Finish,
    ObjectRef,
    Point,
    ScreenSeen,
    TapAt,
    Target,
    TurnContext,
    TurnRead,
    TypeText,
)
from tests.orchestrator.runs import APP, TASK_ID, RunStory

GOAL = "给张三发消息：你好"


def kept(name: str) -> ObjectRef:
    return ObjectRef(key=f"{name}.bin", sha256=name.ljust(64, "0"), size_bytes=1)


def element(label: str, **changes: Any) -> ElementSeen:
    base: dict[str, Any] = {
        "element_type": "android.widget.Button", "text": label, "label": label, "clickable": True,
        "bounds": Bounds(x=100, y=200, width=80, height=40), "targets": (Target(text=label or "x"),),
    }  # fmt: skip
    return ElementSeen(**{**base, **changes})


def tap_on(label: str, **changes: Any) -> TapAt:
    sensitive = changes.pop("sensitive", None)
    return TapAt(point=Point(x=140, y=220), element=element(label, **changes), sensitive=sensitive)


def type_into(label: str, text: str, *, submit: bool = False, **changes: Any) -> TypeText:
    field = element(label, **{"element_type": "android.widget.EditText", "text": None, "editable": True, **changes})
    return TypeText(text=text, element=field, submit=submit)


class TaskStory(RunStory):
    """`on` begins one that has looked at its first screen. Screens have a picture and a hierarchy unless told."""

    @classmethod
    def on(cls, screen: str = "home", *, rules: TaskRules | None = None, **changes: Any) -> TaskStory:
        story = cls.go(model=True, kind="task", goal=Sealed[str].of(GOAL), rules=rules or TaskRules(), **changes)
        assert isinstance(story, TaskStory)
        story.begin()
        if story.state.action is not None and story.state.action.purpose == "TURN":
            story.sees(screen)
        return story

    def sees(self, state: str, *gestures: Any, content: str | None = None, **changes: Any) -> list[Event]:
        """The phone did what was asked, and shows this; `content` tells apart what has the same state."""
        base = {"screenshot": kept(f"p{content or state}"), "hierarchy": kept(f"h{content or state}")}
        return self.shows(state, *gestures, **{**base, **changes})

    @property
    def question(self) -> TurnRequested:
        """What the model is asked now."""
        assert self.state.task is not None
        assert self.state.task.asked is not None, f"the model is not asked; the run waits for {self.state.waiting}"
        return self.state.task.asked

    @property
    def context(self) -> TurnContext:
        return TurnContext.model_validate(self.question.context.reveal())

    @property
    def told(self) -> str:
        return "\n".join(self.context.told)

    @property
    def open(self) -> PersonAsked:
        """What a person is asked now."""
        assert self.state.task is not None
        assert self.state.task.person is not None, f"nobody is asked; the run waits for {self.state.waiting}"
        return self.state.task.person

    @property
    def turn(self) -> TurnTaken:
        return self.last(TurnTaken)

    @property
    def end(self) -> RunFinished:
        return self.last(RunFinished)

    @property
    def is_over(self) -> bool:
        return bool(self.all(RunFinished))

    def wants(self, intent: AnyIntent, *, thinking: str = "hm", package: str = APP, texts: tuple[str, ...] = ()):
        """The model answers."""
        screen = ScreenSeen(package=package, activity=f"{package}.A", keys=("k",))
        return self.answers(TurnRead(thinking=thinking, intent=intent, screen=screen, texts=texts))

    def finishes(self, message: str = "done", *, succeeded: bool = True) -> list[Event]:
        return self.wants(Finish(message=message, succeeded=succeeded))

    def answers(self, read: TurnRead | None, error: str | None = None, **changes: Any) -> list[Event]:
        asked = changes.pop("asked", None) or self.question
        base: dict[str, Any] = {
            "call_id": asked.call_id, "run_id": asked.run_id, "task_id": asked.task_id, "screen_id": None,
            "state_id": "", "model_name": "m", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 50,
            "cost": "0.5", "request_payload": Sealed(), "response_payload": Sealed(), "error_code": error,
            "turn": None if read is None else Sealed[dict[str, Any]].of(read.model_dump(mode="json")), "attempts": 1,
        }  # fmt: skip
        return self.when(CallFinished(**{**base, **changes}))

    def mumbles(self, why: str = "no action in it") -> list[Event]:
        """An answer that cannot be understood."""
        return self.answers(TurnRead(misread=why), "MALFORMED")

    def is_away(self, code: str = "UNAVAILABLE") -> list[Event]:
        return self.answers(None, code)

    def says(self, kind: str, text: str | None = None, *, by: str = "bob", **changes: Any) -> list[Event]:
        sealed = None if text is None else Sealed[str].of(text)
        number = len(self.events) + len(self.created)
        said = {"task_id": TASK_ID, "user": by, "kind": kind, "text": sealed, "answer_id": derived_id("a", number)}
        return self.when(PersonSaid(**{**said, **changes}))

    def resumes(self) -> list[Event]:
        return self.pause(on=False)

    def calls_back(self, answer: str | None = None, **changes: Any) -> list[Event]:
        asked = self.last(ApiCallRequested)
        sealed = None if answer is None else Sealed[str].of(answer)
        return self.when(
            ApiCallFinished(
                call_id=asked.call_id, run_id=asked.run_id, task_id=asked.task_id, turn=asked.turn,
                name=asked.call.name, answer=sealed, **changes,
            )
        )  # fmt: skip
