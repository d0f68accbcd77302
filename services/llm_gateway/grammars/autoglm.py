"""The grammar of AutoGLM's models: `<think>..</think><answer>do(action="Tap", element=[x,y])</answer>`.

The messages have the form that these models were trained on: the system prompt with the date, a first turn with the
task, later turns with `** Screen Info **`, and what the model answered before.
"""

from __future__ import annotations

import json
from typing import Any, Final

from contracts.values import AnyIntent
from services.llm_gateway.decisions.screen_texts import one_line
from services.llm_gateway.grammars.asking import (
    REPAIR,
    RULES,
    absent_lines,
    apis_words,
    data_lines,
    data_rule,
    told_lines,
    turn_words,
    user_message,
)
from services.llm_gateway.grammars.endings import fails_in_words
from services.llm_gateway.grammars.meaning import read_reply
from services.llm_gateway.grammars.places import space_words
from services.llm_gateway.grammars.saying import dumped, said, untagged
from services.llm_gateway.grammars.shown import Ask, Misread, RawReply, Shown, Spoken

_SYSTEM: Final = """Today's date is: {today}
You operate an Android phone for a person. In each turn you see the phone and answer with one action, in this form:
<think>{{think}}</think>
<answer>{{action}}</answer>
{{think}} says shortly why; {{action}} is one of these, written exactly so:
- do(action="Launch", app="xxx")
    Brings an app to the front, by its name. Quicker than looking for its icon.
- do(action="Tap", element=[x,y])
    Taps a point of the screen.
- do(action="Tap", element=[x,y], message="xxx")
    The same for what is sensitive: money, privacy, deleting, sending. message says why; a person is asked first.
- do(action="Type", text="xxx")
    Types into the field that has the focus, so tap it first. What it holds is replaced.
- do(action="Type_Name", text="xxx")
    The same for the name of a person.
- do(action="Interact", message="xxx")
    Asks the person where several things fit, or something is missing.
- do(action="Swipe", start=[x1,y1], end=[x2,y2])
    Draws the finger from one point to another: to scroll, to turn pages, to pull something down.
- do(action="Note", message="True")
    Keeps what this page says for later. Instead of True, message can be the text to keep.
- do(action="Call_API", instruction="xxx")
    Sums up or judges this page and what was kept.{apis}
- do(action="Long Press", element=[x,y])
- do(action="Double Tap", element=[x,y])
- do(action="Take_over", message="xxx")
    Has a person do something on the phone: a log-in, a captcha.
- do(action="Back")
- do(action="Home")
- do(action="Wait", duration="x seconds")
- finish(message="xxx")
    Ends the task: the goal is reached. message is the result.
- finish(message="xxx", success=False)
    Ends the task: it cannot be done. message says why.
Points are {space}.{numbers}
{rules}
{data}"""
_NUMBERS: Final = "\nThe elements of the screen are listed with numbers; element=5 is the element number 5."
_APIS: Final = '\n    With name="xxx" and parameters={"xxx": "xxx"} it makes a registered call.\n'
_INFO: Final = "** Screen Info **"


class AutoGlm:
    """See `Grammar`."""

    def messages(self, ask: Ask, shown: Shown, picture_url: str | None) -> list[dict[str, Any]]:
        system = _SYSTEM.format(
            today=f"{ask.today:%Y-%m-%d} {ask.today:%A}",
            apis=f"{_APIS}{apis_words(ask)}" if ask.apis else "",
            space=space_words(shown),
            numbers=_NUMBERS if ask.listing is not None else "",
            rules=f"{RULES}\n{REPAIR}" if ask.purpose == "REPAIR" else RULES,
            data=data_rule(ask),
        )
        return [{"role": "system", "content": system}, *self._turns(ask, shown, picture_url)]

    def _turns(self, ask: Ask, shown: Shown, picture_url: str | None) -> list[dict[str, Any]]:
        """The task first, then each answer with what came of it; the last message is about the screen now."""
        turns: list[dict[str, Any]] = []
        asked, done = [ask.goal], [ask.context.earlier] if ask.context.earlier else []
        for note in ask.context.history:
            if note.intent is not None:
                turns.append(user_message("\n".join([*asked, *self._info(ask, done)]), None))
                turns.append({"role": "assistant", "content": self.say(note.thinking, note.intent, shown).text})
                asked, done = [_INFO], []
            done.append(turn_words(note))
        now = [*asked, "", *data_lines(ask, past=False, last="; ".join(done)), *absent_lines(ask), *told_lines(ask)]
        return [*turns, user_message("\n".join(now), picture_url)]

    def _info(self, ask: Ask, done: list[str]) -> list[str]:
        info = json.dumps({"last_action": one_line("; ".join(done))}, ensure_ascii=False)
        return ["", ask.mark, info, ask.mark] if done else []

    def tools(self, ask: Ask) -> list[dict[str, Any]] | None:  # noqa: ARG002 - of the interface
        return None

    def parse(self, reply: RawReply, shown: Shown) -> Spoken | Misread:
        return read_reply(reply, shown)

    def say(self, thinking: str, intent: AnyIntent, shown: Shown) -> RawReply:
        name, arguments = said(intent, shown)
        if name == "finish":
            call = f"finish({_written(_ending(arguments))})"
        else:
            call = f"do({_written({'action': name} | arguments)})"
        return RawReply(f"<think>{untagged(thinking)}</think><answer>{call}</answer>", finish_reason="stop")


def _ending(arguments: dict[str, Any]) -> dict[str, Any]:
    """Its models have no word for success: it is said only where the message would be taken for the opposite."""
    inferred = not fails_in_words(arguments["message"])
    return {key: value for key, value in arguments.items() if key != "success" or value is not inferred}


def _written(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_literal(value)}" for name, value in arguments.items())


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(str(entry) for entry in value)}]"
    return dumped(value)
