"""Steps in words, for people who read what a run did or where it failed. What is typed is not among them."""

from __future__ import annotations

from typing import assert_never

from contracts.steps import (
    Condition,
    DoubleTapStep,
    ExpectStep,
    IfSeenStep,
    LaunchStep,
    LongPressStep,
    PressStep,
    ScrollStep,
    Step,
    SwipeStep,
    TapStep,
    TypeStep,
    WaitStep,
)


def said(step: Step) -> str:
    """What a step says, without what is typed."""
    match step:
        case LaunchStep(launch=launch):
            return f"launch {launch.app or 'the app'}{' anew' if launch.restart else ''}"
        case TapStep(tap=body):
            return f"tap {body.element.words}"
        case LongPressStep(long_press=body):
            return f"long press {body.element.words}"
        case DoubleTapStep(double_tap=body):
            return f"double tap {body.element.words}"
        case TypeStep(type=typing):
            where = "the field that has the focus" if typing.into is None else typing.into.words
            return f"type {'a secret ' if typing.secret else ''}into {where}"
        case PressStep(press=key):
            return f"press {key}"
        case SwipeStep(swipe=stroke):
            if stroke.direction is not None:
                return f"swipe {stroke.direction}" + ("" if stroke.within is None else f" within {stroke.within.words}")
            assert stroke.start is not None
            assert stroke.end is not None
            return f"swipe from {stroke.start.words} to {stroke.end.words}"
        case ScrollStep(scroll=scroll):
            until = "" if scroll.until is None else f" until {scroll.until.words}"
            return (
                f"scroll {scroll.direction}"
                + ("" if scroll.within is None else f" within {scroll.within.words}")
                + until
            )
        case WaitStep(wait=wait):
            return "wait for " + _condition(wait, "the screen to rest" if wait.stable else None)
        case ExpectStep(expect=expect):
            return "expect " + _condition(expect, None)
        case IfSeenStep(if_seen=seen):
            return f"if {seen.visible.words} is seen"
        case _:
            assert_never(step)


def _condition(asked: Condition, more: str | None) -> str:
    parts = [
        None if asked.visible is None else asked.visible.words,
        None if asked.not_visible is None else f"{asked.not_visible.words} gone",
        None if asked.package is None else f"{asked.package} in front",
        more,
    ]
    return ", ".join(part for part in parts if part)
