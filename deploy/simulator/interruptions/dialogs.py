"""The interruptions that there are, in the shape that AOSP gives them at each API level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from deploy.simulator.apps.layout import Setting, arrange, arrange_dialog
from deploy.simulator.apps.model import Look, Node
from deploy.simulator.apps.scope import Scope
from deploy.simulator.apps.view import STATUS_BAR, WIDTH, View
from deploy.simulator.apps.widgets import label, page

from .languages import Words, words
from .model import PASSES, Interruption, answers

DIALER, SYSTEM_UI = "com.android.dialer", "com.android.systemui"
CALLER = "+49 170 1234567"
ALLOWED, DENIED, CLOSED, WAITED = "allowed", "denied", "closed", "waited"
ANSWERED, DECLINED, PUT_ASIDE, OPENED = "answered", "declined", "put aside", "opened"

Align = Literal["left", "center", "right"]
_HEADS_UP_BOTTOM = 470


def _button(entry: str, text: str, outcome: str, *, tone: str = "primary") -> Node:
    look = Look(42, 500, tone, "center", "primary_soft", "", 40)
    return Node("button", name=entry, id=entry, text=text, tap=answers(outcome), height=132, look=look)


def _dialog(package: str, *children: Node, entry: str = "") -> View:
    sheet = Node("column", id=entry, gap=24, pad=(60, 60, 60, 54), look=Look(fill="card", radius=48), children=children)
    return arrange_dialog(sheet, Setting(Scope(()), package))


def permission(
    api: int, language: str = "en", *, package: str, label_of_app: str, permission: str = "android.permission.CAMERA"
) -> Interruption:
    """The question whether an app may do something; the buttons and the package that owns them follow the API level."""
    said = words(language)
    owner = "com.android.permissioncontroller" if api >= 29 else "com.android.packageinstaller"
    question = said.location if "LOCATION" in permission else said.camera
    align: Align = "right" if said.right_to_left else "left"
    return Interruption(
        name="permission",
        package=owner,
        activity=f"{owner}.permission.ui.GrantPermissionsActivity",
        window=_dialog(
            owner,
            label(question.format(app=label_of_app), id="permission_message", size=48, weight=500, align=align),
            *_choices(api, said),
            entry="grant_dialog",
        ),
        about=package,
        permission=permission,
        keys={"BACK": DENIED, "HOME": PASSES},
    )


def _choices(api: int, said: Words) -> tuple[Node, ...]:
    """In the order in which they stand on the phone: before Android 10 the refusal is the first."""
    deny = _button("permission_deny_button", said.deny, DENIED)
    if api < 29:
        return deny, _button("permission_allow_button", said.allow, ALLOWED)
    foreground = _button("permission_allow_foreground_only_button", said.allow_foreground, ALLOWED)
    if api < 30:
        return foreground, deny
    return foreground, _button("permission_allow_one_time_button", said.allow_once, ALLOWED), deny


def not_responding(api: int, language: str = "en", *, package: str, label_of_app: str) -> Interruption:
    """The system's window about an app that does not answer. Until Android 6 it is an alert with its two buttons."""
    said = words(language)
    question = said.not_responding.format(app=label_of_app)
    close, wait = ("aerr_close", "aerr_wait") if api >= 24 else ("button1", "button2")
    align: Align = "right" if said.right_to_left else "left"
    return Interruption(
        name="anr",
        package="android",
        title=f"Application Not Responding: {package}",
        window=_dialog(
            "android",
            label(question, id="android:id/alertTitle", size=50, weight=500, align=align),
            _button(f"android:id/{close}", said.close, CLOSED),
            _button(f"android:id/{wait}", said.wait, WAITED),
            entry="android:id/parentPanel",
        ),
        about=package,
        keys={"HOME": PASSES},
    )


def call(_api: int, language: str = "en", *, rings_s: float = 30.0) -> Interruption:
    """The dialer's whole screen, as it comes where the phone is locked or the heads-up was opened."""
    said = words(language)
    root = page(
        label(said.incoming, id="contactgrid_status_text", size=44, color="on_primary", align="center"),
        label(CALLER, id="contactgrid_contact_name", size=72, color="on_primary", align="center"),
        Node("space", weight=1),
        _button("two_button_decline_button", said.decline, DECLINED, tone="danger"),
        Node("space", height=60),
        _button("two_button_answer_button", said.answer, ANSWERED),
        Node("space", height=120),
        fill="night",
    )
    return Interruption(
        name="call",
        package=DIALER,
        activity="com.android.incallui.InCallActivity",
        window=arrange(root, Setting(Scope(()), DIALER)),
        keys={"ENDCALL": DECLINED, "HOME": PUT_ASIDE},
        lasts_s=rings_s,
    )


def call_heads_up(_api: int, language: str = "en", *, rings_s: float = 30.0) -> Interruption:
    """A call while the phone is in use: a notification over the top of the app, which keeps the focus."""
    said = words(language)
    row = Node(
        "column",
        name="heads_up",
        id="status_bar_latest_event_content",
        gap=18,
        pad=(42, 30, 42, 30),
        width=WIDTH,
        tap=answers(OPENED),
        look=Look(fill="card", radius=48),
        children=(
            label(CALLER, id="android:id/title", size=44, weight=500),
            label(said.incoming, id="android:id/text", size=36),
            _button("android:id/action0", said.decline, DECLINED, tone="danger"),
        ),
    )
    laid_out = arrange(page(row, fill=""), Setting(Scope(()), SYSTEM_UI))
    found = next(view for view in laid_out.walk() if view.node is row)
    assert found.box[1] >= STATUS_BAR
    assert found.box[3] <= _HEADS_UP_BOTTOM, "a heads-up leaves most of the screen to the app"
    return Interruption(
        name="call_heads_up", package=SYSTEM_UI, window=found, focus=False, keys={"ENDCALL": DECLINED}, lasts_s=rings_s
    )


KINDS: dict[str, Callable[..., Interruption]] = {
    "anr": not_responding,
    "call": call,
    "call_heads_up": call_heads_up,
    "permission": permission,
}
ABOUT_AN_APP = frozenset({"anr", "permission"})
"""Those that need `package` and `label_of_app`: of the app in front, where none is named."""
