"""`am`, `monkey` and `dumpsys activity`: what runs, and starting and stopping it."""

from __future__ import annotations

import base64
import binascii

from deploy.simulator.components import component, full_class, pid, token, uid
from deploy.simulator.keyguard import SYSTEM_UI
from deploy.simulator.settings import ADB_KEYBOARD, AUTOMATION_KEYBOARD
from deploy.simulator.shell.call import Call, Program
from deploy.simulator.world import Surface

from .exits import dump_exit_info
from .intents import LAUNCHER_CATEGORY, Intent, parse_intent
from .keycodes import key_name
from .window import activity_record

_ADB_KEYBOARD_ACTIONS = {
    "ADB_CLEAR_TEXT": "clear",
    "ADB_EDITOR_CODE": "enter",
    "ADB_INPUT_B64": "base64",
    "ADB_INPUT_CODE": "code",
    "ADB_INPUT_TEXT": "text",
}
_AUTOMATION_KEYBOARD_ACTIONS = {
    "ADB_KEYBOARD_CLEAR_TEXT": "clear",
    "ADB_KEYBOARD_EDITOR_CODE": "enter",
    "ADB_KEYBOARD_HIDE": "hide",
    "ADB_KEYBOARD_INPUT_TEXT": "base64",
    "ADB_KEYBOARD_SMART_ENTER": "enter",
}


async def _am(call: Call) -> int:
    words = list(call.arguments)
    verb = words.pop(0) if words else ""
    await call.wait(call.phone.latency.other_s)
    try:
        match verb:
            case "start" | "start-activity":
                return _start(call, parse_intent(words))
            case "broadcast":
                return _broadcast(call, parse_intent(words))
            case "force-stop" | "kill":
                package = words[-1] if words else ""
                call.phone.screen.touched("force_stop", call.service, package=package)
                call.phone.screen.app_ended(package)
                call.phone.world.force_stop(package, call.phone.now_s())
                return 0
            case "get-current-user":
                call.out("0\n")
                return 0
            case "instrument":
                call.out(
                    "INSTRUMENTATION_STATUS: id=ActivityManagerService\nINSTRUMENTATION_STATUS: Error=Unable to "
                    f"find instrumentation info for: ComponentInfo{{{words[-1] if words else ''}}}\n"
                    "INSTRUMENTATION_STATUS_CODE: -1\n"
                )
                return 1
            case "startservice" | "start-service" | "start-foreground-service":
                call.out(f"Starting service: Intent {parse_intent(words)}\n")
                return 0
            case "stack" | "task" | "set-debug-app" | "clear-debug-app" | "kill-all" | "wait-for-broadcast-idle":
                return 0
            case _:
                call.err(f"Error: unknown command '{verb}'\n")
                return 255
    except ValueError as error:
        call.err(f"Error: {error}\n")
        return 255


def _start(call: Call, intent: Intent) -> int:
    """Exit status 1 with the words that Android has for an activity that it cannot find."""
    phone = call.phone
    if not (intent.action or intent.data or intent.component or intent.package):
        raise ValueError("Intent does not specify anything to start")
    if not intent.component and intent.action in ("", "android.intent.action.MAIN") and not intent.data:
        intent.action, intent.categories = "android.intent.action.MAIN", [LAUNCHER_CATEGORY]
    call.out(f"Starting: Intent {intent}\n")
    package, _, activity = intent.component.partition("/")
    if intent.component:
        name = full_class(package, activity) if activity else None
        started = _launch(call, package, name, full_screen=intent.windowing_mode == "1")
        missing = f"Error type 3\nError: Activity class {{{package}/{full_class(package, activity)}}} does not exist.\n"
    elif intent.data:
        phone.screen.touched("deep_link", call.service, uri=intent.data, package=intent.package or None)
        started = phone.world.deep_link(intent.data, intent.package or None, phone.now_s())
        missing = f"Error: Activity not started, unable to resolve Intent {intent}\n"
    else:
        started = _launch(call, intent.package, None)
        missing = f"Error: Activity not started, unable to resolve Intent {intent}\n"
    if not started:
        call.err(missing)
        return 1
    if "-W" in intent.flags:
        surface = phone.screen.surface()
        launch, this = ("LaunchState: COLD\n", "") if phone.profile.api >= 29 else ("", "ThisTime: 312\n")
        call.out(
            f"Status: ok\n{launch}Activity: {component(surface.package, surface.activity)}\n"
            f"{this}TotalTime: 312\nWaitTime: 318\nComplete\n"
        )
    return 0


def _launch(call: Call, package: str, activity: str | None, *, full_screen: bool = False) -> bool:
    screen = call.phone.screen
    screen.touched("launch", call.service, package=package, activity=activity)
    started = call.phone.world.launch(package, activity, call.phone.now_s())
    if started:
        screen.app_started(full_screen=full_screen)
    call.phone.triggers.touched()
    return started


def _broadcast(call: Call, intent: Intent) -> int:
    """A keyboard's broadcasts type only while it is the current one; ADBKeyboard answers `result=0` anyway."""
    keyboard, outcome = call.phone.settings.keyboard, "result=0"
    if keyboard == ADB_KEYBOARD:
        _type(call, intent.action, intent.extras, _ADB_KEYBOARD_ACTIONS)
    elif keyboard == AUTOMATION_KEYBOARD and _type(call, intent.action, intent.extras, _AUTOMATION_KEYBOARD_ACTIONS):
        outcome = 'result=-1, data="success"'
    shown = str(intent).replace(f"act={intent.action}", f"act={intent.action} flg=0x400000")
    call.out(f"Broadcasting: Intent {shown}\nBroadcast completed: {outcome}\n")
    return 0


def _type(call: Call, action: str, extras: dict[str, str], actions: dict[str, str]) -> bool:
    """Does what a keyboard's broadcast says; False for a broadcast that is not its own, or not decodable."""
    screen = call.phone.screen
    match actions.get(action):
        case "base64":
            try:
                text = base64.b64decode(extras.get("msg", extras.get("text", "")), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            screen.text(text, call.service)
        case "text":
            screen.text(extras.get("msg", ""), call.service)
        case "clear":
            screen.clear_text(call.service)
        case "code":
            screen.key(key_name(extras.get("code", "")) or "UNKNOWN", call.service)
        case "enter":
            screen.key("ENTER", call.service)
        case None:
            return False
        case _:
            pass
    return True


async def _monkey(call: Call) -> int:
    """`monkey -p PACKAGE -c android.intent.category.LAUNCHER 1`: the usual way to launch without an activity."""
    words = call.arguments
    echoed = "".join(f"  bash arg: {word}\n" for word in words)
    await call.wait(call.phone.latency.other_s)
    package = words[words.index("-p") + 1] if "-p" in words[:-1] else ""
    call.out(echoed)
    if not package or not _launch(call, package, None):
        call.out("** No activities found to run, monkey aborted.\n")
        return 252
    call.out("Events injected: 1\n## Network stats: elapsed time=9ms (0ms mobile, 0ms wifi, 9ms not connected)\n")
    return 0


def dump_activity(call: Call) -> str:
    """What `dumpsys activity [top|activities|services|exit-info|..]` prints."""
    surface = call.phone.screen.surface()
    match call.arguments[1] if len(call.arguments) > 1 else "":
        case "top":
            return _top(surface)
        case "services" | "s":
            return _services(call)
        case "exit-info":
            return dump_exit_info(call)
        case "processes" | "p":
            return "".join(
                f"  *APP* UID {uid(name)} ProcessRecord{{{token('process', name)} {pid(name)}:{name}/u0a{uid(name)}}}\n"
                for name in dict.fromkeys([surface.package, *(package for package, _ in surface.task)])
            )
        case "recents" | "r":
            return "ACTIVITY MANAGER RECENT TASKS (dumpsys activity recents)\n"
        case _:
            return _activities(call, surface)


def stack(surface: Surface) -> tuple[tuple[str, str], ...]:
    """The back stack, bottom first; at least what is in front."""
    return surface.task or ((surface.package, surface.activity),)


def _top(surface: Surface) -> str:
    package, activity = stack(surface)[-1] if surface.package == SYSTEM_UI else (surface.package, surface.activity)
    name = component(package, activity)
    return (
        f"TASK {package} id=7 userId=0\n"
        f"  ACTIVITY {name} {token('record', package, activity)} pid={pid(package)}\n"
        f"    Local Activity {token('local', name)} State:\n      mResumed=true mStopped=false mFinished=false\n"
    )


def _activities(call: Call, surface: Surface) -> str:
    profile = call.phone.profile
    history = stack(surface)
    front = activity_record(profile, *history[-1])
    package = history[-1][0]
    lines = ["ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)", "Display #0 (activities from top to bottom):"]
    if profile.task_records:
        lines += ["  Stack #1:", "    Task id #7"]
        stack_id = "" if profile.api < 24 else " StackId=1"
        lines.append(f"    * TaskRecord{{{token('task', package)} #7 A={package} U=0{stack_id} sz={len(history)}}}")
    else:
        affinity = f"A={uid(package)}:{package}" if profile.api >= 30 else f"A={package}"
        lines.append(f"  * Task{{{token('task', package)} #7 type=standard {affinity} U=0 visible=true}}")
    if profile.resumed_in_stack:
        lines.append(f"    mResumedActivity: {front}")
    if profile.top_resumed:
        lines.append(f"    topResumedActivity={front}")
    for number, entry in reversed(list(enumerate(history))):
        lines.append(f"    * Hist {' ' if profile.api >= 31 else ''}#{number}: {activity_record(profile, *entry)}")
        lines.append(f"        packageName={entry[0]} processName={entry[0]}")
    if not profile.resumed_in_stack:
        lines += ["  Resumed activities in task display areas (from top to bottom):", f"    Resumed: {front}"]
    for display in call.phone.displays:
        lines.append(f"Display #{display.number} (activities from top to bottom):")
        if display.package is not None and display.activity is not None and profile.top_resumed:
            record = activity_record(profile, display.package, display.activity, task=9)
            lines.append(f"    topResumedActivity={record}")
    lines += ["", f"  {profile.resumed_in_all}: {front}"]
    return "\n".join(lines) + "\n"


def _services(call: Call) -> str:
    enabled = call.phone.settings.tables["secure"].get("enabled_accessibility_services", "")
    lines = ["ACTIVITY MANAGER SERVICES (dumpsys activity services)", "  User 0 active services:"]
    names = [call.phone.settings.keyboard, *(name for name in enabled.split(":") if "/" in name)]
    lines += [f"  * ServiceRecord{{{token('service', name)} u0 {name}}}" for name in names]
    return "\n".join(lines) + "\n"


PROGRAMS: dict[str, Program] = {"am": _am, "monkey": _monkey}
