"""The user's own pages: the last tab, notifications, settings with a nested page, about."""

from __future__ import annotations

from dataclasses import replace

from deploy.simulator.apps.actions import OFF, ON, Dismiss, Goto, Is, Open, Put, Show, Toast, Toggle
from deploy.simulator.apps.demo.common import PACKAGE, tabbed
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.system import BROWSER
from deploy.simulator.apps.widgets import (
    alert,
    alert_button,
    body,
    caption,
    item,
    label,
    listing,
    page,
    switch_row,
    thumb,
    toolbar,
)

_SETTINGS = f"{PACKAGE}.SettingsActivity"
_MESSAGES = (
    ("Your order is on its way", "WM20260226 · arrives tomorrow", "box", "accent"),
    ("Autumn sale", "20% off all tents until Sunday", "tent", "primary"),
    ("新功能上线", "现在可以批量选择照片了", "picture", "violet"),
    ("Welcome to Waymark", "Tap any product to see it in detail", "compass", "blue"),
)


def me() -> Screen:
    """The fourth tab: who is signed in, and what is theirs."""
    head = Node(
        "row",
        gap=36,
        pad=(42, 48, 42, 48),
        look=Look(fill="primary"),
        children=(
            Node(
                "image",
                width=150,
                height=150,
                desc="Profile picture",
                look=Look(icon="person", fill="primary_dark", radius=75),
            ),
            Node(
                "column",
                weight=1,
                gap=6,
                children=(
                    label("{account}", id="account_name", size=54, weight=700, color="on_primary", lines=1),
                    label("Member since 2024", size=36, color="on_primary"),
                ),
            ),
        ),
    )
    rows = (
        item("row_inbox", "Notifications", "4 messages", Goto("inbox"), lead=thumb("bell", "accent", size=96)),
        item(
            "row_settings",
            "Settings",
            "Notifications, privacy, about",
            Goto("settings"),
            lead=thumb("gear", "blue", size=96),
        ),
        item("row_help", "Help centre", "Questions and answers", Goto("help"), lead=thumb("help", "violet", size=96)),
    )
    return tabbed("me", toolbar("Me", back=False), head, listing("me_list", rows))


def inbox() -> Screen:
    """Notifications: a tap marks one as read, a long press stars it."""
    rows = []
    for at, (first, second, art, color) in enumerate(_MESSAGES, 1):
        row = item(
            f"message_{at}",
            first,
            second,
            Put(f"read_{at}", ON),
            lead=thumb(art, color),
            hold=(Toggle(f"star_{at}"), Toast("Starred")),
            row_id="message_row",
        )
        star = label("★", id="star", name=f"star_{at}", size=48, color="accent", shown=Is(f"star_{at}", ON))
        read = caption("read", id="read_mark", name=f"read_{at}_mark", shown=Is(f"read_{at}", ON))
        rows.append(_with(row, star, read))
    return Screen("inbox", f"{PACKAGE}.InboxActivity", page(toolbar("Notifications"), listing("message_list", rows)))


def _with(row: Node, *more: Node) -> Node:
    return replace(row, children=(*row.children, *more))


def settings() -> Screen:
    """Switches, ways to the nested pages, and signing out."""
    rows = (
        switch_row("switch_push", "Push notifications", "Orders and offers", "push"),
        switch_row("switch_wifi", "Pictures over Wi-Fi only", "Saves mobile data", "wifi_only"),
        switch_row("switch_dark", "Large text", "Easier to read", "large_text"),
        item("row_privacy", "Privacy", "What we keep and for how long", Goto("privacy")),
        item("row_about", "About", "Version {version}", Goto("about")),
        item("row_sign_out", "Sign out", "", Show("sign_out")),
    )
    return Screen("settings", _SETTINGS, page(toolbar("Settings"), listing("settings_list", rows)))


def sign_out() -> Screen:
    """Asks before signing out."""
    leave = (Dismiss(), Put("signed_in", OFF), Put("account", "guest"), Goto("login", clear=True))
    root = alert(
        "sign_out",
        "Sign out?",
        "You can sign in again at any time.",
        alert_button(2, "Stay", Dismiss()),
        alert_button(1, "Sign out", *leave),
    )
    return Screen("sign_out", _SETTINGS, root, dialog=True, on_back=(Dismiss(),))


def privacy() -> Screen:
    """A page inside the settings: a fragment of the same activity."""
    rows = (
        switch_row("switch_usage", "Share usage data", "Helps us find mistakes", "usage"),
        switch_row("switch_location", "Remember places", "For the stores near you", "places"),
    )
    content = Node(
        "column",
        children=(
            *rows,
            Node(
                "column",
                pad=(42, 48, 42, 48),
                children=(
                    caption("We keep your orders for ten years because the tax office wants us to.", id="privacy_text"),
                ),
            ),
        ),
    )
    return Screen("privacy", _SETTINGS, page(toolbar("Privacy"), content))


def about() -> Screen:
    """Version, licences, and a link out of the app."""
    head = Node(
        "column",
        gap=24,
        pad=(0, 60, 0, 30),
        look=Look(align="center"),
        children=(
            thumb("compass", "primary", size=240, desc="Waymark"),
            label("Waymark Demo · 演示", id="about_name", size=58, weight=700, align="center"),
            label("Version {version}", id="about_version", size=34, color="muted", align="center"),
        ),
    )
    site = item(
        "row_site",
        "Website",
        "https://waymark.example",
        Open(BROWSER, "web", (("url", "waymark.example"),)),
        lead=thumb("globe", "violet", size=96),
    )
    licences = item(
        "row_licences",
        "Open source licences",
        "Noto Sans SC · SIL OFL 1.1",
        Toast("Thank you all"),
        lead=thumb("info", "blue", size=96),
    )
    return Screen("about", _SETTINGS, page(toolbar("About"), body(head, site, licences, gap=0)))


SCREENS = (me(), inbox(), settings(), sign_out(), privacy(), about())
