"""`app_process`: the one Java program that tools start on a phone, the uiautomator2 server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deploy.simulator.faults import FaultKind
from deploy.simulator.processes import Process
from deploy.simulator.shell.call import Call, Program

if TYPE_CHECKING:
    from deploy.simulator.phone import Phone

MAIN_CLASS = "com.wetest.uia2.Main"
_DEFAULT_PORT = "9008"
_KILLED = 137


async def _app_process(call: Call) -> int:
    """Serves until its input ends or its stream is closed, as the real process mostly dies with its shell."""
    from deploy.simulator.automation.server import serve

    words, jar = call.arguments, call.environment.get("CLASSPATH", "")
    if MAIN_CLASS not in words or call.phone.files.stat(jar) is None:
        name = next((word for word in words if "." in word), "")
        call.err(f"Error: could not find class '{name}'\n")
        return 1
    port = words[words.index("-p") + 1] if "-p" in words[:-1] else _DEFAULT_PORT
    call.out("[server] INFO: [UiAutomator2Server] Starting Server\n")
    await call.wait(call.phone.latency.dump_s)
    if (fault := call.phone.faults.take(FaultKind.SERVER_NO_START, call.text)) is not None:
        call.phone.note_fault(fault, call.service)
        call.out("java.lang.UnsatisfiedLinkError: dlopen failed: library is not accessible\nAborted\n")
        return 134
    processes = call.phone.processes
    if processes.automation is not None:
        call.out(
            "java.lang.IllegalStateException: UiAutomationService android.accessibilityservice."
            "IAccessibilityServiceClient$Stub$Proxy@5deffd5already registered!\n"
        )
        return 1
    process = processes.start(call.pid, "shell", "app_process", " ".join(call.argv))
    processes.automation = process
    call.phone.listeners[f"tcp:{port}"] = serve
    try:
        await call.flush()
        return _KILLED if await _killed_before_input_ends(call, process) else 0
    finally:
        fault = call.phone.faults.take(FaultKind.SERVER_OUTLIVES, call.text)
        if fault is not None and not process.killed.is_set():
            call.phone.note_fault(fault, call.service)
            call.phone.background(_until_killed(call.phone, process, f"tcp:{port}"))
        else:
            call.phone.listeners.pop(f"tcp:{port}", None)
            processes.end(process)


async def _until_killed(phone: Phone, process: Process, listener: str) -> None:
    await process.killed.wait()
    phone.listeners.pop(listener, None)


async def _killed_before_input_ends(call: Call, process: Process) -> bool:
    async def drained() -> None:
        while await call.stdin.read():
            pass

    waits = [asyncio.ensure_future(drained()), asyncio.ensure_future(process.killed.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return process.killed.is_set()


PROGRAMS: dict[str, Program] = {"app_process": _app_process}
