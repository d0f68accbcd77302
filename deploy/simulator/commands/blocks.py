"""`stat` and `dd`: how large a file is, and parts of it."""

from __future__ import annotations

from deploy.simulator.commands.files import read_content
from deploy.simulator.filesystem import FileError
from deploy.simulator.shell.call import Call, Program


def _stat(call: Call) -> int:
    """`stat -c FORMAT FILE..` with `%s` (bytes), `%Y` (when it was changed) and `%n` (as it was named)."""
    words = list(call.arguments)
    if len(words) < 3 or words[0] != "-c":
        return call.fail("only -c FORMAT is simulated")
    rc = 0
    for name in words[2:]:
        found = call.phone.files.stat(call.path(name))
        if found is None:
            rc = call.fail(f"'{name}': No such file or directory")
            continue
        told = words[1].replace("%s", str(found.size_bytes)).replace("%Y", str(found.modified_s))
        call.out(told.replace("%n", name) + "\n")
    return rc


def _dd(call: Call) -> int:
    """`dd if=FILE bs=N skip=N count=N`: to the output, and what it did to the errors."""
    given = dict(word.partition("=")[::2] for word in call.arguments)
    name = given.get("if", "")
    try:
        size, skip = int(given.get("bs", "512")), int(given.get("skip", "0"))
        content = read_content(call, name)
    except ValueError:
        return call.fail("bad number")
    except FileError as error:
        return call.fail(f"{name}: {error}")
    count = int(given["count"]) if given.get("count", "").isdigit() else len(content) // size + 1
    part = content[size * skip : size * (skip + count)]
    call.stdout.write(part)
    whole, rest = divmod(len(part), size)
    records = f"{whole}+{int(rest > 0)} records"
    call.err(f"{records} in\n{records} out\n{len(part)} bytes transferred\n")
    return 0


PROGRAMS: dict[str, Program] = {"dd": _dd, "stat": _stat}
