"""The toybox programs that read text: from files, or from a pipe as it comes."""

from __future__ import annotations

import hashlib
import re

from deploy.simulator.filesystem import FileError
from deploy.simulator.shell.call import Call, Program

from .files import read_content, split_options


async def _inputs(call: Call, names: list[str]) -> list[tuple[str, bytes]]:
    """Name and content of each file, or the standard input; what cannot be read is told and left out."""
    if not names:
        return [("-", await call.stdin.read_all())]
    found = []
    for name in names:
        try:
            found.append((name, read_content(call, name)))
        except FileError as error:
            call.fail(f"{name}: {error}")
    return found


async def _grep(call: Call) -> int:
    options, words = split_options(call.arguments, with_value="emABC")
    pattern = options.get("e") or (words.pop(0) if words else "")
    if "F" in options:
        pattern = re.escape(pattern)
    elif "E" not in options:
        pattern = re.sub(r"\\([|()+?{}])|([|()+?{}])", lambda m: m[1] or "\\" + m[2], pattern)
    if "x" in options:
        pattern = rf"^(?:{pattern})$"
    try:
        expression = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    except re.error as error:
        return call.fail(f"bad REGEX: {error}", 2)
    wanted, count, limit = "v" not in options, 0, int(options.get("m", "0") or 0)
    silent = bool({"q", "c"} & options.keys())

    def search(lines: list[bytes], prefix: str) -> bool:
        """Prints what matches; True when nothing further is wanted."""
        nonlocal count
        for line in lines:
            text = line.decode("utf-8", "surrogateescape")
            hit = expression.search(text)
            if (hit is not None) != wanted:
                continue
            count += 1
            if not silent:
                call.out(prefix + (hit[0] if "o" in options and hit else text) + "\n")
            if count == limit or "q" in options:
                return True
        return False

    if words:
        for name, content in await _inputs(call, words):
            if search(content.splitlines(), f"{name}:" if len(words) > 1 and "h" not in options else ""):
                break
    else:
        rest = b""
        while data := await call.stdin.read():
            *lines, rest = (rest + data).split(b"\n")
            if search(lines, ""):
                rest = b""
                break
            await call.stdout.flush()
        search([rest] if rest else [], "")
    if "c" in options:
        call.out(f"{count}\n")
    return 0 if count else 1


async def _head(call: Call) -> int:
    options, names = split_options(_numbered(call.arguments), with_value="nc")
    count = int(options.get("n", "10"))
    if names or "c" in options:
        for _, content in await _inputs(call, names):
            call.stdout.write(
                content[: int(options["c"])] if "c" in options else b"".join(content.splitlines(True)[:count])
            )
        return 0
    while count > 0 and (line := await call.stdin.read_line()):
        call.stdout.write(line)
        count -= 1
    return 0


async def _tail(call: Call) -> int:
    options, names = split_options(_numbered(call.arguments), with_value="nc")
    for _, content in await _inputs(call, names):
        if "c" in options:
            call.stdout.write(content[-int(options["c"]) :])
            continue
        lines = content.splitlines(keepends=True)
        word = options.get("n", "10")
        call.stdout.write(b"".join(lines[int(word) - 1 :] if word.startswith("+") else lines[-int(word) :]))
    return 0


def _numbered(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """`-5` is the old way to write `-n 5`."""
    return tuple(f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in arguments)


async def _wc(call: Call) -> int:
    options, names = split_options(call.arguments)
    for name, content in await _inputs(call, names):
        figures = {"l": content.count(b"\n"), "w": len(content.split()), "c": len(content)}
        shown = [str(figures[letter]) for letter in "lwc" if letter in options or not options]
        call.out(" ".join([*shown, *([name] if names else [])]) + "\n")
    return 0


async def _digest(call: Call) -> int:
    algorithm = {"md5sum": "md5", "sha1sum": "sha1", "sha256sum": "sha256"}[call.argv[0].rpartition("/")[2]]
    options, names = split_options(call.arguments)
    found = await _inputs(call, names)
    for name, content in found:
        digest = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
        call.out(f"{digest}\n" if "b" in options else f"{digest}  {name}\n")
    return 0 if len(found) == max(len(names), 1) else 1


async def _sort(call: Call) -> int:
    options, names = split_options(call.arguments)
    lines = [line for _, content in await _inputs(call, names) for line in content.splitlines()]
    lines = sorted(lines, reverse="r" in options)
    call.stdout.write(b"".join(line + b"\n" for line in (dict.fromkeys(lines) if "u" in options else lines)))
    return 0


async def _cut(call: Call) -> int:
    options, names = split_options(call.arguments, with_value="dfc")
    wanted = [int(word) for word in options.get("f", "1").split(",") if word.isdigit()]
    delimiter = options.get("d", "\t").encode()
    for _, content in await _inputs(call, names):
        for line in content.splitlines():
            pieces = line.split(delimiter)
            kept = [pieces[number - 1] for number in wanted if number <= len(pieces)]
            call.stdout.write((line if len(pieces) == 1 else delimiter.join(kept)) + b"\n")
    return 0


async def _tr(call: Call) -> int:
    options, words = split_options(call.arguments)
    text = (await call.stdin.read_all()).decode("utf-8", "surrogateescape")
    source = words[0].encode().decode("unicode_escape") if words else ""
    target = words[1].encode().decode("unicode_escape") if len(words) > 1 else ""
    if "d" in options:
        call.out(text.translate({ord(letter): None for letter in source}))
    else:
        padded = target.ljust(len(source), target[-1:] or " ")
        call.out(text.translate({ord(letter): padded[at] for at, letter in enumerate(source)}))
    return 0


PROGRAMS: dict[str, Program] = {
    "cut": _cut,
    "egrep": _grep,
    "grep": _grep,
    "head": _head,
    "md5sum": _digest,
    "sha1sum": _digest,
    "sha256sum": _digest,
    "sort": _sort,
    "tail": _tail,
    "tr": _tr,
    "wc": _wc,
}
