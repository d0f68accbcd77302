"""Android's commands, by the name that a shell calls them."""

from __future__ import annotations

from deploy.simulator.shell.call import Program

from . import activities, blocks, capture, dumpsys, files, logcat, network, packages, pointer, resident, system, text

PROGRAMS: dict[str, Program] = {
    name: program
    for module in (
        activities,
        blocks,
        capture,
        dumpsys,
        files,
        logcat,
        network,
        packages,
        pointer,
        resident,
        system,
        text,
    )
    for name, program in module.PROGRAMS.items()
}
