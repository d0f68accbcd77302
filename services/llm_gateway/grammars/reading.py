"""Which of what an answer holds is the answer: thinking, drafts and talk about actions are none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.llm_gateway.grammars.actions import Said, TooMuchError, actions, object_said
from services.llm_gateway.grammars.literals import NotReadableError, Reader
from services.llm_gateway.grammars.shown import MAX_CHARS, Misread, RawReply, ToolCall

CUT_OFF: Final = "it was cut off before its end: think shorter, and answer again"
_MAX_THINKING: Final = 4_000
_TAG = re.compile(
    r"<(?P<shut>/?)(?P<name>think(?:ing)?|thought|reasoning|answer|tool_call)>|<\|(?P<box>begin|end)_of_box\|>",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"<\|[^|<>\n]{1,40}\|>")
_BEFORE = re.compile(
    r"(?:^|\n|```[a-z]*|[。.!?！？;；])[ \t>*`\"'“”-]*(?:\d{1,2}[.)、）][ \t]*)?(?:[A-Za-z\u4e00-\u9fff ]{1,20}[:：])?[ \t>*`\"'“”_]*$"
)
_BEHIND = re.compile(r"[\s)）\]}】\"'`”*;；。.,，!！]*")
_WORDS = re.compile(r"[^\s`*>_\-:：.。,，;；\"'“”\d)）(（\[\]【】{}<]+")


@dataclass(frozen=True)
class Segment:
    """A part of an answer outside of what is marked as thinking. `tagged`: it is marked as the answer itself; `sealed`:
    and ends with its mark."""

    text: str
    before: str
    tagged: bool = False
    sealed: bool = False


@dataclass(frozen=True)
class Chosen:
    """The action that an answer asks for, and the thinking that goes before it."""

    said: Said
    thinking: str


def choose(reply: RawReply) -> Chosen | Misread:
    """The one action that an answer asks for.

    In a part that is marked as the answer, and in a row of actions, the first counts: the others are about screens that
    nobody has seen yet. `finish` beside something else is a contradiction, unless it comes after it.
    """
    is_cut = reply.finish_reason == "length"
    if reply.tool_calls:
        return _called(reply, is_cut=is_cut)
    text = reply.text[-MAX_CHARS:]
    if not text.strip():
        return Misread("it was empty")
    try:
        return _first_of(_segments(text), text, is_cut=is_cut)
    except TooMuchError:
        return Misread("it begins many actions and ends none: answer with one action only", _thinking(text))


def _called(reply: RawReply, *, is_cut: bool) -> Chosen | Misread:
    thinking = _thinking(reply.text[-MAX_CHARS:])
    found: list[Said] = []
    for call in reply.tool_calls[:20]:
        said = _tool_said(call)
        if said is None:
            reason = f"the arguments of {call.name[:40]} are no JSON object"
            return Misread(CUT_OFF if is_cut else reason, thinking)
        found += said
    return _row(found, thinking, is_cut=is_cut)


def _tool_said(call: ToolCall) -> list[Said] | None:
    name = call.name.rpartition(".")[2]
    if not call.arguments.strip():
        return [Said(name)]
    reader = Reader(call.arguments.strip()[:MAX_CHARS])
    try:
        arguments = reader.json()
    except NotReadableError:
        return None
    if not isinstance(arguments, dict):
        return None
    if name.lower() == "do":
        return object_said(arguments)
    return [Said(name, arguments, closed=reader.closed)]


def _segments(text: str) -> list[Segment]:
    """The parts outside of thinking, in order. A closing tag that nobody opened closes what was written so far."""
    found: list[Segment] = []
    at, thinking_from, tagged = 0, -1, False
    tags = list(_TAG.finditer(text))
    for tag in tags:
        is_box = tag["box"] is not None
        shuts = tag["shut"] == "/" or tag["box"] == "end"
        name = "answer" if is_box else tag["name"].lower()
        is_answer = name in {"answer", "tool_call"}
        if thinking_from >= 0:
            if shuts and not is_answer:
                thinking_from, at = -1, tag.end()
            continue
        part = text[at : tag.start()]
        if not is_answer and shuts:
            if text[tag.end() :].strip():
                found.clear()
            elif part.strip():
                found.append(Segment("", text[: tag.end()]))
        elif not is_answer:
            found.append(Segment(part, text[:at], tagged))
            thinking_from, tagged = tag.start(), False
        else:
            found.append(Segment(part, text[:at], tagged, sealed=tagged and shuts))
            tagged = not shuts
        at = tag.end()
    if thinking_from < 0:
        found.append(Segment(text[at:], text[:at], tagged))
    elif not any(_has_words(segment.text) for segment in found):
        return _unclosed(text, thinking_from)
    return [segment for segment in found if segment.text.strip()]


def _has_words(text: str) -> bool:
    return bool(text.strip())


def _unclosed(text: str, start: int) -> list[Segment]:
    """Thinking that does not end: the answer is what is marked as one last, or what stands at the end."""
    opened = [tag for tag in _TAG.finditer(text, start) if (tag["name"] or "answer").lower() in {"answer", "tool_call"}]
    begins = [tag for tag in opened if tag["shut"] != "/" and tag["box"] != "end"]
    if begins:
        last = begins[-1]
        end = next((tag for tag in opened if tag.start() > last.start()), None)
        body = text[last.end() : end.start() if end is not None else len(text)]
        return [Segment(body, text[: last.start()], tagged=True, sealed=end is not None)]
    return [Segment(text[start:], text[:start])]


def _first_of(segments: list[Segment], text: str, *, is_cut: bool) -> Chosen | Misread:
    """What the parts say: one that is marked as the answer goes before one that is not."""
    for tagged in (True, False):
        for segment in segments:
            if segment.tagged is not tagged:
                continue
            body = _TOKEN.sub("", segment.text)
            found = list(actions(body, sealed=segment.sealed))
            if not tagged:
                talk = bool(found)
                found = _standing(found, body)
                if talk and not found:
                    return Misread("it talks about actions, and none of them stands as the answer", _thinking(text))
            if found:
                behind = body[found[-1].end :]
                lost = is_cut and not segment.sealed and bool(_WORDS.search(behind))
                thinking = _thinking(f"{segment.before}{body[: found[0].start]}")
                return (
                    Misread(CUT_OFF, thinking) if lost else _row(found, thinking, is_cut=is_cut and not segment.sealed)
                )
    reason = CUT_OFF if is_cut else "it holds no action"
    return Misread(reason, _thinking(text))


def _standing(found: list[Said], text: str) -> list[Said]:
    """Of actions in text that is not marked as the answer those that stand by themselves, in one row.

    One inside a sentence is talked about; it counts only where it is the only one, ends the text, and ends no task.
    Rows with words between them leave open which is meant, where they differ: then none counts.
    """
    alone = [said for said in found if _is_alone(said, text)]
    if not alone:
        last = found[-1] if found else None
        is_end = last is not None and not _WORDS.search(text[last.end :])
        one = len({said.same for said in found}) == 1
        return [found[-1]] if last is not None and is_end and one and last.act not in {"FINISH", "FAIL"} else []
    rows: list[list[Said]] = [[alone[0]]]
    for said in alone[1:]:
        apart = _WORDS.search(text[rows[-1][-1].end : said.start]) is not None
        rows.append([said]) if apart else rows[-1].append(said)
    if len(rows) > 1 and len({row[0].same for row in rows}) > 1:
        return []
    return rows[-1]


def _is_alone(said: Said, text: str) -> bool:
    line = text[max(said.start - 60, 0) : said.start]
    if _BEFORE.search(line if said.start <= 60 else f" {line}") is None:
        return False
    behind = _BEHIND.match(text, said.end)
    at = behind.end() if behind is not None else said.end
    return at >= len(text) or "\n" in text[said.end : at] or text[at] in "<{" or not said.closed or _next_call(text, at)


def _next_call(text: str, at: int) -> bool:
    return re.compile(r"(?:do|finish)\s*[(（]", re.IGNORECASE).match(text, at) is not None


def _row(found: list[Said], thinking: str, *, is_cut: bool) -> Chosen | Misread:
    if not found:
        return Misread("it holds no action", thinking)
    first = found[0]
    if not first.whole or (is_cut and not first.closed):
        return Misread(CUT_OFF if is_cut else "an action in it does not end: write it whole, with its quotes", thinking)
    others = {said.same for said in found[1:]} - {first.same}
    if first.act in {"FINISH", "FAIL"} and any(said.act != first.act for said in found[1:]):
        return Misread("it ends the task and does something else: finish only when nothing is left to do", thinking)
    if first.act in {"FINISH", "FAIL"} and others and len(found) > 1:
        return Misread("it ends the task more than once, each time otherwise", thinking)
    return Chosen(first, thinking)


def _thinking(text: str) -> str:
    plain = _TOKEN.sub("", _TAG.sub("", text)).strip().strip("`").strip()
    return plain if len(plain) <= _MAX_THINKING else f"…{plain[1 - _MAX_THINKING :]}"
