"""`app_process`: the one Java program that tools start on a phone, the uiautomator2 server."""

from __future__ import annotations

from deploy.simulator.shell.call import Call, Program

_MAIN_CLASS = "com.wetest.uia2.Main"
_DEFAULT_PORT = "9008"


async def _app_process(call: Call) -> int:
    """Serves until its input ends or its stream is closed, as the real process dies with its shell."""
    from deploy.simulator.automation.server import serve

    words, jar = call.arguments, call.environment.get("CLASSPATH", "")
    if _MAIN_CLASS not in words or call.phone.files.stat(jar) is None:
        name = next((word for word in words if "." in word), "")
        call.err(f"Error: could not find class '{name}'\n")
        return 1
    port = words[words.index("-p") + 1] if "-p" in words[:-1] else _DEFAULT_PORT
    name = f"tcp:{port}"
    call.out("[server] INFO: [UiAutomator2Server] Starting Server\n")
    if call.phone.automation_held:
        call.out(
            "java.lang.IllegalStateException: UiAutomationService android.accessibilityservice."
            "IAccessibilityServiceClient$Stub$Proxy@5deffd5already registered!\n"
        )
        return 1
    call.phone.listeners[name] = serve
    call.phone.automation_held = True
    try:
        await call.flush()
        while await call.stdin.read():
            pass
    finally:
        call.phone.listeners.pop(name, None)
        call.phone.automation_held = False
    return 0


PROGRAMS: dict[str, Program] = {"app_process": _app_process}
