"""`logcat`: what the apps wrote, once or as it comes."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.simulator.shell.call import Call, Program
from deploy.simulator.world import LogLine

from .files import split_options

_PRIORITIES = "VDIWEFS"
_POLL_S = 0.05
_OVERLAP_S = 0.5
_OVERLAP_LINES = 2000
_DEFAULT_BUFFERS = ("main", "system", "crash")
_WITH_VALUE = "bvTtsmeDfrn"


@dataclass
class _Request:
    buffers: tuple[str, ...]
    form: str
    since_s: float
    last: int | None
    dump: bool
    clear: bool
    filters: dict[str, str] = field(default_factory=dict)
    expression: re.Pattern[str] | None = None


def _request(call: Call) -> _Request:
    """ValueError where the arguments make no sense."""
    words = tuple("-c" if word == "--clear" else word for word in call.arguments)
    words = tuple(re.sub(r"^--(pid|regex|buffer|format)=?", lambda m: "-" + m[1][0], word) for word in words)
    options, specs = split_options(words, with_value=_WITH_VALUE + "p")
    since, last = call.phone.log_cleared_s, None
    moment = options.get("T", options.get("t"))
    if moment is not None:
        if re.fullmatch(r"\d+", moment):
            last = int(moment)
        else:
            since = max(since, _moment(moment, call.phone.now_s()))
    buffers: tuple[str, ...] = _DEFAULT_BUFFERS
    if "b" in options:
        buffers = tuple(options["b"].split(","))
        if "all" in buffers:
            buffers = ("main", "system", "crash", "events", "radio", "kernel")
    filters = dict(spec.partition(":")[::2] for spec in specs)
    if "s" in options:
        name, _, priority = options["s"].partition(":")
        filters |= {"*": "S", name: priority or "V"}
    return _Request(
        buffers, options.get("v", "threadtime"), since, last, "d" in options or "t" in options, "c" in options, filters,
        re.compile(options["e"]) if "e" in options else None,
    )  # fmt: skip


def _moment(text: str, now_s: float) -> float:
    """`SECONDS.mmm` since 1970, `MM-DD hh:mm:ss.mmm` or `YYYY-MM-DD hh:mm:ss.mmm` (UTC, as the phone's zone is)."""
    if re.fullmatch(r"\d+\.\d+", text):
        return float(text)
    year = time.gmtime(now_s).tm_year
    for candidate, pattern in ((text, "%Y-%m-%d %H:%M:%S.%f"), (f"{year}-{text}", "%Y-%m-%d %H:%M:%S.%f")):
        try:
            return dt.datetime.strptime(candidate, pattern).replace(tzinfo=dt.UTC).timestamp()
        except ValueError:
            continue
    raise ValueError(f'-T "{text}" not in time format')


def _threadtime(line: LogLine) -> str:
    return f"{_clock(line.at_s)} {line.pid:>5} {line.pid:>5} {line.priority} {line.tag:<8}: {line.message}"


def _epoch(line: LogLine) -> str:
    return f"{line.at_s:>17.3f} {line.pid:>5} {line.pid:>5} {line.priority} {line.tag:<8}: {line.message}"


_FORMS: dict[str, Callable[[LogLine], str]] = {
    "threadtime": _threadtime,
    "epoch": _epoch,
    "time": lambda line: f"{_clock(line.at_s)} {line.priority}/{line.tag:<8}({line.pid:>5}): {line.message}",
    "brief": lambda line: f"{line.priority}/{line.tag:<8}({line.pid:>5}): {line.message}",
    "tag": lambda line: f"{line.priority}/{line.tag:<8}: {line.message}",
    "raw": lambda line: line.message,
    "long": lambda line: (
        f"[ {_clock(line.at_s)} {line.pid:>5}:{line.pid:>5} {line.priority}/{line.tag} ]\n" + line.message + "\n"
    ),
}


def _clock(at_s: float) -> str:
    return time.strftime("%m-%d %H:%M:%S", time.gmtime(at_s)) + f".{int(at_s * 1000) % 1000:03d}"


def _wanted(request: _Request, line: LogLine) -> bool:
    if line.buffer not in request.buffers:
        return False
    lowest = request.filters.get(line.tag, request.filters.get("*", "V"))[:1].upper() or "V"
    if _PRIORITIES.find(line.priority) < _PRIORITIES.find(lowest):
        return False
    return request.expression is None or request.expression.search(line.message) is not None


async def _logcat(call: Call) -> int:
    try:
        request = _request(call)
    except (ValueError, re.error) as error:
        return call.fail(str(error))
    if request.clear:
        call.phone.log_cleared_s = call.phone.now_s()
        return 0
    epoch = "epoch" in request.form
    form = _FORMS.get("epoch" if epoch else request.form)
    if form is None:
        return call.fail(f'Invalid parameter "{request.form}" to -v')
    await call.wait(call.phone.latency.other_s)
    lines = [line for line in call.phone.log(request.since_s) if _wanted(request, line)]
    if request.last is not None:
        lines = lines[len(lines) - min(request.last, len(lines)) :]
    shown = set[str]()
    _print(call, lines, form, shown)
    if not request.dump:
        await _follow(call, request, lines, form, shown)
    return 0


def _print(call: Call, lines: list[LogLine], form: Callable[[LogLine], str], shown: set[str]) -> None:
    """Lines, with a heading where a buffer appears first."""
    for line in lines:
        if line.buffer not in shown:
            call.out(f"--------- beginning of {line.buffer}\n")
            shown.add(line.buffer)
        call.out(form(line) + "\n")


async def _follow(
    call: Call, request: _Request, lines: list[LogLine], form: Callable[[LogLine], str], shown: set[str]
) -> None:
    """Prints what is written from now on, until the stream is closed."""
    recent, since_s = set(lines[-_OVERLAP_LINES:]), lines[-1].at_s if lines else request.since_s
    while True:
        await call.flush()
        await asyncio.sleep(_POLL_S)
        # Lines of one moment may be written in two turns: look back a little, and leave out what was printed.
        candidates = call.phone.log(max(request.since_s, since_s - _OVERLAP_S))
        fresh = [line for line in candidates if line not in recent and _wanted(request, line)]
        if fresh:
            _print(call, fresh, form, shown)
            recent, since_s = set(candidates), max(since_s, fresh[-1].at_s)


PROGRAMS: dict[str, Program] = {"logcat": _logcat}
