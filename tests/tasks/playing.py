"""A model on loopback that plays what it is told to want, for several phones at once, in any grammar.

It knows a conversation by its goal, which is in every request, and what comes next by the phone: a move that the
phone's trace has not seen is wanted again. So an answer that got lost is given again, and one that was carried out is
not, whoever asks.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from deploy.embedded.openai_server import Failure, ModelRequest, Reply, ScriptedModel, Turn
from deploy.simulator.control import Control
from tests.tasks import places
from tests.tasks.apps import HOSTILE
from tests.tasks.moves import Finish, Move, Say, Tap, Wait, touch_of
from tests.tasks.speech import Grammar, Spot, say

TEXT_BYTES_PER_TOKEN = 4
PICTURE_PX_PER_TOKEN = 28
"""A token of a picture is a square of this side, as in the models that AutoGLM's are made from."""


@dataclass
class Play:
    """What the model wants of one phone. `goal` has to be told apart from every other.

    `for_ever`: the moves come round again and again, whatever the phone does. `pixels`: it says its points in
    pixels of the phone though it was asked for another space. `obeys`: it does what a text on the screen tells it to.
    `closed`: it closes the tag of its answer (autoglm).
    `delay_s`: how long it thinks. `asked`, `tokens`: counted here.
    """

    goal: str
    moves: Sequence[Move]
    grammar: Grammar = "autoglm"
    phone: int = 0
    for_ever: bool = False
    pixels: bool = False
    obeys: bool = False
    closed: bool = True
    delay_s: float = 0.0
    at: int = 0
    asked: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    obeyed: int = 0
    missing: list[str] = field(default_factory=list)
    """What was looked for and not there: the model waits a second then, and looks again."""
    answers: list[Turn] = field(default_factory=list)
    talks: list[tuple[float, float]] = field(default_factory=list)
    """When each request came and when its answer left, epoch seconds."""
    _waits_since: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether every move was wanted, and every touch seen."""
        return self.at >= len(self.moves)


class PlayingModel(ScriptedModel):
    """`async with PlayingModel(control) as model`, then `model.plays.append(Play(..))`. Requests of no play get an
    error 400 that says so."""

    def __init__(self, control: Control, plays: Sequence[Play] = (), **options: Any) -> None:
        super().__init__(self._answer, **options)
        self.plays = list(plays)
        self._control = control

    def play_of(self, request: ModelRequest) -> Play | None:
        """The play with the longest goal that the request holds."""
        found = [play for play in self.plays if play.goal in request.text]
        return max(found, key=lambda play: len(play.goal), default=None)

    async def _answer(self, request: ModelRequest) -> Turn:
        play = self.play_of(request)
        if play is None:
            return Failure(400, f"no play has this goal: {request.text[-500:]}")
        play.asked += 1
        began_s = time.time()
        turn = await self._turn(play, request)
        if isinstance(turn, str):
            turn = Reply(turn)
        if isinstance(turn, Reply):
            turn = _counted(turn, request, play)
        play.answers.append(turn)
        play.talks.append((began_s, time.time() + (turn.delay_s if isinstance(turn, Reply) else 0.0)))
        return turn

    async def _turn(self, play: Play, request: ModelRequest) -> Turn:
        await self._follow(play)
        surface = await self._control.surface(phone=play.phone)
        move = _wanted(play, surface["hierarchy"])
        if isinstance(move, Say) and (move.means is None or play._waits_since is None):
            self._said(play, move, await self._last_seq(play.phone))
            return move.turn
        if isinstance(move, Say):
            assert move.means is not None
            move = move.means
        spot: Spot = None
        if isinstance(move, Tap):
            try:
                spot = _spot(play, surface["hierarchy"], request, move.label)
            except places.NotThereError as missing:
                play.missing.append(str(missing))
                move = Wait(1)
        self._said(play, move, await self._last_seq(play.phone))
        return say(play.grammar, f"第{play.at + 1}步", move, spot, closed=play.closed)

    async def _follow(self, play: Play) -> None:
        """Goes on to the next move where the phone has seen the last one."""
        if play._waits_since is None or play.is_over:
            return
        touches = await self._control.touches(phone=play.phone, since=play._waits_since)
        if touch_of(_meant(play.moves[play.at])) in {touch["detail"] for touch in touches}:
            play._waits_since = None
            play.at += 1

    def _said(self, play: Play, move: Move, seq: int | None) -> None:
        if play.for_ever or play.is_over or move is not play.moves[play.at]:
            return
        if touch_of(_meant(move)) is None or (isinstance(move, Tap) and move.once):
            play.at += 1
        elif play._waits_since is None:
            play._waits_since = seq

    async def _last_seq(self, phone: int) -> int:
        touches = await self._control.touches(phone=phone)
        return touches[-1]["seq"] if touches else 0


def _meant(move: Move) -> Move:
    return move.means if isinstance(move, Say) and move.means is not None else move


def _wanted(play: Play, hierarchy: str) -> Move:
    if play.obeys:
        for text in places.texts(hierarchy):
            if HOSTILE in text:
                play.obeyed += 1
                return Tap(text.partition("「")[2].partition("」")[0])
    if play.for_ever:
        move = play.moves[play.at % len(play.moves)]
        play.at += 1
        return move
    return play.moves[play.at] if not play.is_over else Finish("没有别的事了")


def _spot(play: Play, hierarchy: str, request: ModelRequest, label: str) -> Spot:
    if play.grammar == "numbered":
        return places.number(request.text, label)
    place = places.centre(hierarchy, label)
    return (place.x, place.y) if play.pixels else place.per_mille


def _counted(reply: Reply, request: ModelRequest, play: Play) -> Reply:
    """The answer with the tokens of both sides, counted the same way whoever asks."""
    prompt = prompt_tokens(request)
    said = len(reply.content.encode()) + sum(len(arguments.encode()) for _, arguments in reply.tool_calls)
    completion = -(-said // TEXT_BYTES_PER_TOKEN)
    play.prompt_tokens += prompt
    play.completion_tokens += completion
    return Reply(
        reply.content, prompt, completion, reply.finish_reason, reply.delay_s or play.delay_s, reply.tool_calls,
        reply.thinking, reply.counts,
    )  # fmt: skip


def prompt_tokens(request: ModelRequest) -> int:
    """Of all messages and tools that were sent: text by its bytes, pictures by their size."""
    text = len(request.text.encode()) + (len(str(request.body["tools"]).encode()) if "tools" in request.body else 0)
    tokens = -(-text // TEXT_BYTES_PER_TOKEN)
    for picture in request.pictures:
        with Image.open(io.BytesIO(picture)) as image:
            width, height = image.size
        tokens += -(-width // PICTURE_PX_PER_TOKEN) * -(-height // PICTURE_PX_PER_TOKEN)
    return tokens
