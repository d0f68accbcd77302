"""Tasks and activities: opening, finishing, launching, stopping, as Android's back stack does."""

from __future__ import annotations

from deploy.simulator.apps.actions import Args
from deploy.simulator.apps.model import App, Screen
from deploy.simulator.apps.state import LAUNCHER, SYSTEM_PID, Phone, Record, Task


def open_screen(phone: Phone, package: str, screen: str, args: Args, now_s: float) -> None:
    """Puts an activity on the task in front."""
    phone.start_process(package, now_s)
    focus = phone.installed[package].app.screens[screen].focus
    phone.tasks[-1].records.append(Record(package, screen, now_s, dict(args), focus=focus))
    _displayed(phone, now_s)


def replace_screen(phone: Phone, record: Record, screen: str, args: Args, now_s: float) -> None:
    """Shows another screen in place of a record's: a tab, a fragment, or an activity that finishes as it starts one."""
    record.screen, record.opened_s, record.args = screen, now_s, dict(args)
    record.fields, record.offsets, record.dialogs = {}, {}, []
    record.focus = phone.screen_of(record).focus
    _displayed(phone, now_s)


def finish(phone: Phone) -> None:
    """Ends the activity in front; a task without activities is gone, and the one below is seen."""
    task = phone.tasks[-1]
    task.records.pop()
    if not task.records:
        phone.tasks.pop()


def go_home(phone: Phone) -> None:
    """The launcher comes to the front; everything else stays as it is."""
    bring_to_front(phone, next(task for task in phone.tasks if task.package == LAUNCHER))


def bring_to_front(phone: Phone, task: Task) -> None:
    """Moves a task over the others."""
    phone.tasks = [*(each for each in phone.tasks if each is not task), task]


def launch(phone: Phone, package: str, activity: str | None, now_s: float) -> bool:
    """Starts an app from outside: an icon, `am start`. False where the activity does not exist or is not exported."""
    installed = phone.installed.get(package)
    if installed is None or not installed.app.start:
        return False
    app = installed.app
    wanted = full_name(package, activity) if activity else app.activities[0]
    if wanted != app.activities[0] and wanted not in app.exported:
        return False
    task = next((task for task in phone.tasks if task.package == package), None)
    if task is not None:
        bring_to_front(phone, task)
        if wanted == app.activities[0] or phone.screen_of(phone.top).activity == wanted:
            return True
    else:
        phone.tasks.append(Task(package, []))
    phone.write(now_s, "main", ("I", "ActivityTaskManager", SYSTEM_PID), _start_message(package, wanted))
    open_screen(phone, package, first_screen(app, wanted), (), now_s)
    return True


def first_screen(app: App, activity: str) -> str:
    """The screen that an activity shows when it is started."""
    if app.screens[app.start].activity == activity:
        return app.start
    return next(name for name, screen in app.screens.items() if screen.activity == activity and not screen.dialog)


def kill(phone: Phone, package: str) -> None:
    """Ends a process and everything it shows, in whatever task that is; a question that it asked is gone with it."""
    phone.end_process(package)
    for task in phone.tasks:
        askers = (None, *task.records)
        task.records = [
            each
            for each, asker in zip(task.records, askers, strict=False)
            if each.package != package and not (each.asked and asker and asker.package == package)
        ]
    phone.tasks = [task for task in phone.tasks if task.records]
    if phone.not_responding == package:
        phone.not_responding = ""


def full_name(package: str, activity: str) -> str:
    """`.MainActivity` with its package before it; a full name as it is."""
    return package + activity if activity.startswith(".") else activity


def short_name(package: str, activity: str) -> str:
    """`pkg/.MainActivity`, as logcat writes a component."""
    return f"{package}/{activity.removeprefix(package) if activity.startswith(package + '.') else activity}"


def _start_message(package: str, activity: str) -> str:
    action = "act=android.intent.action.MAIN cat=[android.intent.category.LAUNCHER] flg=0x10000000"
    return f"START u0 {{{action} cmp={short_name(package, activity)}}} from uid 2000"


def _displayed(phone: Phone, now_s: float) -> None:
    record = phone.top
    screen: Screen = phone.screen_of(record)
    if screen.dialog:
        return
    took = phone.random.randint(90, 420)
    message = f"Displayed {short_name(record.package, screen.activity)}: +{took}ms"
    phone.write(now_s, "main", ("I", "ActivityTaskManager", SYSTEM_PID), message)
