"""Which of what an answer holds is the answer: thinking, drafts and talk about actions are none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.llm_gateway.grammars.actions import actions
from services.llm_gateway.grammars.literals import MAX_CHARS, NotReadableError, Reader, TooMuchError
from services.llm_gateway.grammars.names import ENDINGS
from services.llm_gateway.grammars.objects import said_by
from services.llm_gateway.grammars.parts import Part, parts, plain
from services.llm_gateway.grammars.quotes import joined
from services.llm_gateway.grammars.said import Said
from services.llm_gateway.grammars.shown import Misread, RawReply, ToolCall
from services.llm_gateway.grammars.tagged_calls import tagged_calls

CUT_OFF: Final = "It was cut off before its end: think shorter."
_MAX_CALLS: Final = 20
_LABEL = (
    r"(?:(?:final |next |my )?(?:action|answer|output|response|operation|step)s?|do|"
    r"(?:下一步|最终|执行)?(?:操作|动作|答案|回答|行动|指令|执行|输出|下一步))"
)
_STANDS = re.compile(
    rf"(?:^|\n|```[a-z]*|[。.!?！？;；])[ \t>*`\"'“”#-]*(?:\d{{1,2}}[.)、）][ \t]*)?"
    rf"(?:{_LABEL}[ \t*]*[:：][ \t*]*)?(?:```[a-z]*)?[ \t>*`\"'“”_\[{{]*$",
    re.IGNORECASE,
)
"""What stands before an action that stands by itself: nothing, the end of a sentence, a fence, a number, a label."""
_ON_CONDITION = re.compile(
    r"\b(?:once|if|when|until|unless|after|not|never)\b|如果|等|当|之后|以后|不能|不要|还没", re.IGNORECASE
)
_TAKEN_BACK = re.compile(
    r"\W*(?:(?:once|when|until|unless|but|however|not yet|only)\b|但|等|还没|尚未|不过)", re.IGNORECASE
)
_SENTENCES = re.compile(r"[。.!?！？\n]")
_AROUND: Final = 80
_BEHIND = re.compile(r"[\s)）\]}】\"'`”*;；。.,，!！]*")
_WORDS = re.compile(r"[^\s`*>_\-:：.。,，;；\"'“”\d)）(（\[\]【】{}<|]+")
_NEXT_CALL = re.compile(r"(?:do|finish)\s*[(（]", re.IGNORECASE)
_REPEATED_CHARS: Final = 40
_REPEATED_TIMES: Final = 5


@dataclass(frozen=True)
class Chosen:
    """The action that an answer asks for, and the thinking that goes before it."""

    said: Said
    thinking: str


def choose(reply: RawReply) -> Chosen | Misread:
    """The one action that an answer asks for.

    In a part that is marked as the answer, and in a row of actions, the first counts: the others are about screens that
    nobody has seen yet. `finish` before something else is a contradiction.
    """
    is_cut = reply.finish_reason == "length"
    if reply.tool_calls:
        return _called(reply, is_cut=is_cut)
    text = joined(reply.text[-MAX_CHARS:])
    if not text.strip():
        return Misread("It was empty: answer with one action.")
    try:
        return _chosen(parts(text), text, is_cut=is_cut)
    except TooMuchError:
        return Misread("It begins many actions and ends none: answer with one action only.", plain(text))


def _called(reply: RawReply, *, is_cut: bool) -> Chosen | Misread:
    thinking = plain(reply.text[-MAX_CHARS:])
    found: list[Said] = []
    for call in reply.tool_calls[:_MAX_CALLS]:
        said = _tool_said(call)
        if said is None:
            reason = f"The arguments of {call.name[:40]} are no JSON object."
            return Misread(CUT_OFF if is_cut else reason, thinking)
        found += said
    return _first(found, thinking, is_cut=is_cut)


def _tool_said(call: ToolCall) -> list[Said] | None:
    """What a call of a function says; None where its arguments cannot be read."""
    name = call.name.rpartition(".")[2]
    if not call.arguments.strip():
        return [Said(name)]
    reader = Reader(joined(call.arguments.strip()[:MAX_CHARS]))
    try:
        arguments = reader.json()
    except NotReadableError:
        return None
    if not isinstance(arguments, dict):
        return None
    if name.lower() == "do":
        return list(said_by(arguments))
    return [Said(name, arguments, closed=reader.closed)]


def _chosen(found_parts: list[Part], text: str, *, is_cut: bool) -> Chosen | Misread:
    """What the parts say: one that is marked as the answer goes before one that is not."""
    talks = False
    for part in sorted(found_parts, key=lambda part: not part.tagged):
        found = tagged_calls(part.text) or list(actions(part.text, sealed=part.sealed))
        row = _row(found, part)
        if row:
            open_end = is_cut and not part.sealed
            thinking = plain(f"{part.before}{part.text[: row[0].start]}")
            if open_end and (_WORDS.search(part.text[row[-1].end :]) or _may_go_on(row[0], part.text)):
                return Misread(CUT_OFF, thinking)
            later = _asked(found_parts[found_parts.index(part) + 1 :]) if row[0].act in ENDINGS else []
            return _first(row + later, thinking, is_cut=open_end)
        talks = talks or bool(found)
    if is_cut:
        return Misread(CUT_OFF, plain(text))
    if text.count(text.rstrip()[-_REPEATED_CHARS:]) >= _REPEATED_TIMES:
        return Misread("It repeats itself and holds no action: answer shortly, with one action.", plain(text))
    reason = "It talks about actions, and none of them stands as the answer" if talks else "It holds no action"
    return Misread(f"{reason}: answer with one action.", plain(text))


def _asked(later: list[Part]) -> list[Said]:
    """What parts ask for that come after an end: it would contradict that."""
    return [said for part in later for said in _row(list(actions(part.text)), part)]


def _may_go_on(said: Said, text: str) -> bool:
    """Whether a text of an action at the very end may have been longer: its end may be a quote inside it."""
    return not text[said.end :].strip() and any(
        isinstance(value, str) and '"' in value for value in said.arguments.values()
    )


def _row(found: list[Said], part: Part) -> list[Said]:
    """The actions that a part really asks for, in a row.

    One inside a sentence is talked about. It counts only where it is the only one, ends no task, and ends the text or
    stands in what is marked as the answer. Rows with words between them leave open which is meant, where they differ
    and the part is not marked: then none counts.
    """
    ends = bool(found) and not _WORDS.search(part.text[found[-1].end :])
    if not found or (part.thinking and not ends):
        return []
    alone = _standing(found, part.text)
    if not alone:
        one = len({said.same for said in found}) == 1 and found[-1].act not in ENDINGS
        return found[-1:] if one and (part.tagged or ends) else []
    if alone[0].act in ENDINGS and _is_no_end_yet(alone, part.text):
        return []
    if part.tagged:
        return alone
    rows: list[list[Said]] = [[alone[0]]]
    for said in alone[1:]:
        if _WORDS.search(part.text[rows[-1][-1].end : said.start]):
            rows.append([said])
        else:
            rows[-1].append(said)
    if len(rows) > 1 and rows[-1][0].act in ENDINGS:
        return []
    return rows[-1] if len({row[0].same for row in rows}) == 1 else []


def _is_no_end_yet(ends: list[Said], text: str) -> bool:
    """Whether the words around an end put it off: `When all is there I say: ..`, `.. but something is missing`."""
    before = text[max(ends[0].start - _AROUND, 0) : ends[0].start].rstrip(" \t\r\n*`\"'“”")
    lead = _SENTENCES.split(before)[-1] if before.endswith((":", "：")) else ""
    return _ON_CONDITION.search(lead) is not None or _TAKEN_BACK.match(text, ends[-1].end) is not None


def _standing(found: list[Said], text: str) -> list[Said]:
    """Actions that stand by themselves, with those that follow one of them at once."""
    standing: list[Said] = []
    for said in found:
        follows = bool(standing) and not text[standing[-1].end : said.start].strip()
        if follows or _stands_alone(said, text):
            standing.append(said)
    return standing


def _stands_alone(said: Said, text: str) -> bool:
    line = text[max(said.start - _AROUND, 0) : said.start]
    if _STANDS.search(line if said.start <= _AROUND else f"x{line}") is None:
        return False
    behind = _BEHIND.match(text, said.end)
    at = behind.end() if behind is not None else said.end
    return at >= len(text) or "\n" in text[said.end : at] or text[at] in "<{" or bool(_NEXT_CALL.match(text, at))


def _first(found: list[Said], thinking: str, *, is_cut: bool) -> Chosen | Misread:
    if not found:
        return Misread("It holds no action: answer with one action.", thinking)
    first = found[0]
    if is_cut and not (first.whole and first.closed):
        return Misread(CUT_OFF, thinking)
    if not first.whole:
        return Misread("An action in it does not end: write it whole, with its quotes.", thinking)
    if first.act in ENDINGS and any(said.same != first.same for said in found[1:]):
        return Misread("It ends the task and says more than that: finish only when nothing is left to do.", thinking)
    return Chosen(first, thinking)
