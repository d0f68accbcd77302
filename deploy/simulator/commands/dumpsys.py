"""`dumpsys`: one command, many services of the phone."""

from __future__ import annotations

from collections.abc import Callable

from deploy.simulator.shell.call import Call, Program

from .activities import dump_activity
from .packages import dump_package
from .reports import dump_dropbox
from .window import dump_window


def _battery(call: Call) -> str:
    figures, api = call.phone.battery, call.phone.profile.api
    newer = "  Max charging voltage: 5000000\n" if api >= 24 else ""
    newer += "  Charge counter: 2712000\n" if api >= 26 else ""
    dock = "  Dock powered: false\n" if api >= 33 else ""
    state = "  Charging state: 0\n  Charging policy: 0\n" if api >= 34 else ""
    return (
        "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n  Wireless powered: false\n"
        f"{dock}  Max charging current: 500000\n{newer}"
        f"  status: {figures['status']}\n  health: 2\n  present: true\n  level: {figures['level']}\n  scale: 100\n"
        f"  voltage: 4200\n  temperature: {figures['temperature']}\n  technology: Li-ion\n{state}"
    )


def _display(call: Call) -> str:
    width, height = call.phone.screen.size
    rotation, state = call.phone.screen.rotation, "ON" if call.phone.screen.awake else "OFF"
    frame = f"logicalFrame=Rect(0, 0 - {width}, {height}), physicalFrame=Rect(0, 0 - {width}, {height})"
    shape = f"orientation={rotation}, {frame}, deviceWidth={width}, deviceHeight={height}"
    viewport = f"  mDefaultViewport=DisplayViewport{{valid=true, displayId=0, {shape}}}\n"
    if call.phone.profile.api >= 29:
        screen = "type=INTERNAL, valid=true, isActive=true, displayId=0, uniqueId='local:0', physicalPort=0"
        viewport = f"  mViewports=[DisplayViewport{{{screen}, {shape}}}]\n"
    return (
        f"DISPLAY MANAGER (dumpsys display)\n{viewport}"
        f"  mGlobalDisplayState={state}\n  mScreenState={state}\n"
        f'  mBaseDisplayInfo=DisplayInfo{{"Built-in Screen", displayId 0, real {width} x {height}, density 420, '
        f"rotation {rotation}, state {state}}}\n"
    )


def _input(call: Call) -> str:
    """Android 13 calls the orientation of the touch surface another name."""
    width, height = call.phone.screen.size
    rotation = call.phone.screen.rotation
    orientation = "SurfaceOrientation" if call.phone.profile.api < 33 else "InputDeviceOrientation"
    return (
        "INPUT MANAGER (dumpsys input)\n\nInput Reader State:\n  Device 4: sim_touchscreen\n    Touch Input Mapper:\n"
        f"      SurfaceWidth: {width}px\n      SurfaceHeight: {height}px\n      {orientation}: {rotation}\n"
        f"  Viewport INTERNAL: displayId=0, orientation={rotation}, logicalFrame=[0, 0, {width}, {height}]\n"
    )


def _power(call: Call) -> str:
    awake = call.phone.screen.awake
    stay_on = call.phone.settings.tables["global"].get("stay_on_while_plugged_in", "0")
    return (
        "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n"
        f"  mWakefulness={'Awake' if awake else 'Asleep'}\n  mIsPowered=true\n  mPlugType=2\n"
        f"  mBatteryLevel={call.phone.battery['level']}\n  mStayOn={str(stay_on != '0').lower()}\n"
        f"  mHoldingDisplaySuspendBlocker={str(awake).lower()}\n"
        f"  Display Power: state={'ON' if awake else 'OFF'}\n"
    )


def _surface_flinger(call: Call) -> str:
    if "--display-id" in call.arguments:
        return 'Display 4619827259835644672 (HWC display 0): port=0 pnpId=GGL displayName="SIM_display_0"\n'
    width, height = call.phone.screen.size
    return f"Displays (1 entries)\n + DisplayDevice{{4619827259835644672, {width}x{height}}}\n"


def _input_method(call: Call) -> str:
    keyboard = call.phone.settings.keyboard
    shown = 'focused="true"' in call.phone.screen.surface().hierarchy
    return (
        "Current Input Method Manager state:\n"
        f"  mCurMethodId={keyboard}\n  mInputShown={str(shown).lower()}\n  mShowRequested={str(shown).lower()}\n"
        f"  mCurId={keyboard} mHaveConnection=true mBoundToMethod=true\n"
    )


def _cpuinfo(_call: Call) -> str:
    return "Load: 1.02 / 0.98 / 0.91\n12% TOTAL: 8% user + 4% kernel\n"


def _meminfo(call: Call) -> str:
    name = call.arguments[1] if len(call.arguments) > 1 else "system"
    return f"Applications Memory Usage (in Kilobytes):\n** MEMINFO in pid 4000 [{name}] **\n        TOTAL    98765\n"


_SERVICES: dict[str, Callable[[Call], str]] = {
    "SurfaceFlinger": _surface_flinger,
    "activity": dump_activity,
    "battery": _battery,
    "cpuinfo": _cpuinfo,
    "display": _display,
    "dropbox": dump_dropbox,
    "input": _input,
    "input_method": _input_method,
    "meminfo": _meminfo,
    "package": dump_package,
    "power": _power,
    "window": dump_window,
}


async def _dumpsys(call: Call) -> int:
    words = call.arguments
    if words[:1] == ("-l",) or not words:
        call.out("Currently running services:\n" + "".join(f"  {name}\n" for name in _SERVICES))
        return 0
    await call.wait(call.phone.latency.other_s)
    if words[0] == "battery" and words[1:2] in (("set",), ("reset",)):
        return _set_battery(call)
    service = _SERVICES.get(words[0])
    if service is None:
        call.err(f"Can't find service: {words[0]}\n")
        return 0
    call.out(service(call))
    return 0


def _set_battery(call: Call) -> int:
    if len(call.arguments) == 4 and call.arguments[2] in call.phone.battery and call.arguments[3].isdigit():
        call.phone.battery[call.arguments[2]] = int(call.arguments[3])
    elif call.arguments[1] == "reset":
        call.phone.battery |= {"level": 87, "status": 2, "temperature": 250}
    return 0


PROGRAMS: dict[str, Program] = {"dumpsys": _dumpsys}
