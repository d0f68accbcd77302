"""The pages that are hard on an explorer: a web page, a ticking clock, a multi-select, permissions, a crash, an ANR."""

from __future__ import annotations

from deploy.simulator.apps.actions import ON, Anr, Ask, Choose, Crash, Goto, Is, Not, Put, Toast, Toggle
from deploy.simulator.apps.demo.common import PACKAGE, open_product
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.widgets import (
    body,
    button,
    caption,
    card,
    item,
    label,
    page,
    thumb,
    title,
    toolbar,
    web_link,
    web_page,
    web_text,
)

_PHOTOS = (
    ("tent", "accent"),
    ("boot", "violet"),
    ("map", "rose"),
    ("cup", "sand"),
    ("compass", "primary"),
    ("lamp", "night"),
    ("pack", "blue"),
    ("bottle", "danger"),
    ("heart", "primary_dark"),
)
_CITIES = (
    ("北京", "Beijing", "+8"),
    ("Berlin", "Germany", "+1"),
    ("New York", "USA", "-5"),
    ("Sydney", "Australia", "+11"),
)
_QUESTIONS = (
    ("How do I send something back?", "Put it into its box and tell us; we fetch it at your door within two days."),
    ("How long does delivery take?", "Two days in town, four elsewhere. You can follow it under 订单."),
    ("Is my payment safe?", "The payment page is protected: not even a screenshot of it can be taken."),
)
_NULL_LIST = (
    "Attempt to invoke virtual method 'java.util.List com.waymark.demo.data.OrderPage.getOrders()' "
    "on a null object reference"
)
CRASH_TRACE = (
    f"java.lang.NullPointerException: {_NULL_LIST}",
    "\tat com.waymark.demo.data.OrderRepository.exportAll(OrderRepository.java:87)",
    "\tat com.waymark.demo.ui.ToolsActivity.lambda$onCreate$0$com-waymark-demo-ui-ToolsActivity(ToolsActivity.java:54)",
    "\tat com.waymark.demo.ui.ToolsActivity$$ExternalSyntheticLambda0.onClick(Unknown Source:2)",
    "\tat android.view.View.performClick(View.java:7506)",
    "\tat android.view.View.performClickInternal(View.java:7483)",
    "\tat android.view.View$PerformClick.run(View.java:29334)",
    "\tat android.os.Handler.handleCallback(Handler.java:942)",
    "\tat android.os.Handler.dispatchMessage(Handler.java:99)",
    "\tat android.os.Looper.loop(Looper.java:288)",
    "\tat android.app.ActivityThread.main(ActivityThread.java:7872)",
    "\tat java.lang.reflect.Method.invoke(Native Method)",
    "\tat com.android.internal.os.RuntimeInit$MethodAndArgsCaller.run(RuntimeInit.java:548)",
    "\tat com.android.internal.os.ZygoteInit.main(ZygoteInit.java:936)",
    "Caused by: java.io.IOException: orders.db: page 3 is missing",
    "\tat com.waymark.demo.data.OrderDatabase.readPage(OrderDatabase.java:141)",
    "\tat com.waymark.demo.data.OrderRepository.exportAll(OrderRepository.java:83)",
    "\t... 11 more",
)
ANR_TRACE = (
    "  at com.waymark.demo.data.SyncClient.exchange(SyncClient.java:112)",
    "  - waiting to lock <0x0c5a3b21> (a com.waymark.demo.data.OrderDatabase) held by thread 14",
    "  at com.waymark.demo.ui.ToolsActivity.synchronise(ToolsActivity.java:71)",
    "  at com.waymark.demo.ui.ToolsActivity$$ExternalSyntheticLambda1.onClick(D8$$SyntheticClass:0)",
    "  at android.view.View.performClick(View.java:7506)",
    "  at android.os.Handler.dispatchMessage(Handler.java:99)",
    "  at android.os.Looper.loop(Looper.java:288)",
    "  at android.app.ActivityThread.main(ActivityThread.java:7872)",
    "  at java.lang.reflect.Method.invoke(Native method)",
)


def help_centre() -> Screen:
    """A web page: nodes as Chrome gives them, without resource ids; a question opens its answer."""
    questions: list[Node] = []
    for at, (question, answer) in enumerate(_QUESTIONS, 1):
        questions.append(web_link(f"question_{at}", question, Toggle(f"open_{at}")))
        shown = Is(f"open_{at}", ON)
        questions.append(
            Node(
                "label",
                name=f"answer_{at}",
                text=answer,
                shown=shown,
                look=Look(38, 400, "muted"),
                class_name="android.widget.TextView",
            )
        )
    document = web_page(
        "Help centre",
        web_text("Questions and answers", size=64, weight=700),
        web_text("常见问题 · everything that people ask us", color="muted"),
        *questions,
        web_text("Still stuck? Call 400-000-0000, any day from 9 to 21."),
    )
    return Screen("help", f"{PACKAGE}.HelpActivity", page(toolbar("Help centre"), document))


def clock() -> Screen:
    """A text that is another one every second."""
    face = Node(
        "column",
        gap=12,
        pad=(0, 60, 0, 60),
        look=Look(fill="card", border="line", radius=40, align="center"),
        children=(
            label("{clock}", id="clock_time", size=140, weight=300, color="primary", align="center"),
            label("UTC", id="clock_zone", color="muted", align="center"),
        ),
    )
    rows = [
        item(
            f"city_{at}",
            city,
            f"{country} · UTC{offset}",
            first_id="city_name",
            second_id="city_zone",
            lead=thumb("clock", "sand", size=96),
        )
        for at, (city, country, offset) in enumerate(_CITIES, 1)
    ]
    content = body(face, Node("column", children=tuple(rows)))
    return Screen("clock", f"{PACKAGE}.ClockActivity", page(toolbar("World clock"), content), ticking=True)


def picker() -> Screen:
    """Nine photos to select from; "Preview" does nothing while none is selected."""
    photos = tuple(_photo(at, art, color) for at, (art, color) in enumerate(_PHOTOS, 1))
    grid = Node(
        "grid", name="photos", id="photo_grid", columns=3, gap=18, pad=(42, 36, 42, 36), weight=1, children=photos
    )
    count = label("{picked}/9", id="picked_count", size=46, weight=500, grow=1)
    preview = Choose(Not(Is("picked", "0")), (Goto("preview"),))
    bar = Node(
        "row",
        gap=30,
        height=180,
        pad=(42, 24, 42, 24),
        look=Look(fill="card"),
        children=(count, button("preview_button", "Preview", preview, tone="plain")),
    )
    return Screen("picker", f"{PACKAGE}.PickerActivity", page(toolbar("Choose photos"), grid, bar))


def _photo(at: int, art: str, color: str) -> Node:
    picture = Node(
        "image", width=300, height=300, id="photo", name=f"photo_{at}_image", look=Look(icon=art, fill=color, radius=24)
    )
    box = Node("check", name=f"photo_{at}_check", id="photo_check", bind=f"pick_{at}", width=84, height=84)
    row = Node("row", children=(label("", grow=1), box))
    return Node(
        "column",
        name=f"photo_{at}",
        desc=f"Photo {at}",
        tap=(Toggle(f"pick_{at}"),),
        children=(picture, row),
        class_name="android.widget.FrameLayout",
        look=Look(fill="card", border="line", radius=24),
        gap=6,
    )


def preview() -> Screen:
    """What was selected. A double tap zooms."""
    photo = Node(
        "image",
        name="preview_photo",
        id="preview_photo",
        desc="Selected photo",
        width=996,
        height=900,
        double=(Toggle("zoomed"),),
        tap=(Toast("Double tap to zoom"),),
        look=Look(icon="picture", fill="night", radius=36),
    )
    content = body(
        photo,
        label("{picked} selected", id="preview_count", size=46, weight=700),
        label("Zoomed to 200%", id="zoom_note", color="primary", shown=Is("zoomed", ON)),
        button("send_photos", "Send", Toast("Sent"), tone="outline"),
    )
    return Screen("preview", f"{PACKAGE}.PickerActivity", page(toolbar("Preview"), content))


def scan() -> Screen:
    """Two permissions: the camera leads on, the location shows more on the same page."""
    camera = Ask("CAMERA", (Put("camera_refused", ""), Goto("scanner")), (Put("camera_refused", ON),))
    location = Ask("ACCESS_FINE_LOCATION", (Put("located", ON),), (Toast("Location is off"),))
    stores = card(
        label("Stores near you", weight=700),
        caption("西湖店 · 1.2 km"),
        caption("Riverside · 3.4 km"),
        id="stores",
        shown=Is("located", ON),
    )
    content = body(
        Node("column", look=Look(align="center"), pad=(0, 60, 0, 30), children=(thumb("camera", "blue", size=300),)),
        title("Scan a code", id="scan_title"),
        label("Point the camera at the code on a box to see what is inside.", color="muted"),
        label(
            "The camera is not allowed. You can ask again.",
            id="camera_refused",
            color="danger",
            shown=Is("camera_refused", ON),
        ),
        button("open_camera", "Open camera", camera, icon="camera"),
        button("find_stores", "Stores near me", location, tone="outline"),
        stores,
    )
    return Screen("scan", f"{PACKAGE}.ScanActivity", page(toolbar("Scan"), content))


def scanner() -> Screen:
    """The finder: seen only where the camera was allowed."""
    finder = Node(
        "column",
        height=1000,
        pad=(140, 150, 140, 150),
        look=Look(fill="dark", radius=36),
        children=(Node("column", height=700, look=Look(border="accent", radius=48)),),
    )
    content = body(
        finder,
        label("Looking for a code…", id="scan_hint", align="center"),
        button("type_code", "Use product code 3", open_product(3), tone="outline"),
    )
    return Screen("scanner", f"{PACKAGE}.ScanActivity", page(toolbar("Camera"), content))


def export() -> Screen:
    """One button works, the other one crashes the app."""
    content = body(
        thumb("box", "rose", size=180),
        title("Export orders", id="export_title"),
        label("All your orders in one file, to keep or to print.", color="muted"),
        button("export_csv", "Export as CSV", Toast("Saved to Downloads"), tone="outline"),
        button("export_pdf", "Export as PDF", Crash(CRASH_TRACE)),
    )
    return Screen("export", f"{PACKAGE}.ToolsActivity", page(toolbar("Export"), content))


def sync() -> Screen:
    """A button that blocks the main thread: the system says that the app isn't responding."""
    content = body(
        thumb("sync", "primary", size=180),
        title("Synchronise", id="sync_title"),
        caption("Last time: yesterday, 21:40", id="sync_last"),
        button("sync_now", "Synchronise now", Anr(ANR_TRACE)),
        button("sync_later", "Later", Toast("We will remind you"), tone="plain"),
    )
    return Screen("sync", f"{PACKAGE}.ToolsActivity", page(toolbar("Synchronise"), content))


def debug() -> Screen:
    """Declared, and led to by nothing."""
    content = body(
        label("Debug menu", id="debug_title", weight=700), button("debug_crash", "Crash", Crash(CRASH_TRACE))
    )
    return Screen("debug", f"{PACKAGE}.DebugMenuActivity", page(toolbar("Debug"), content))


SCREENS = (help_centre(), clock(), picker(), preview(), scan(), scanner(), export(), sync(), debug())
