"""Buying: a form that checks its fields, a dialog that asks again, a payment page that no picture shows."""

from __future__ import annotations

from deploy.simulator.apps.actions import Dismiss, Goto, Rule, Show, Submit, Toast
from deploy.simulator.apps.demo.common import PACKAGE
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.widgets import (
    alert,
    alert_button,
    body,
    button,
    caption,
    card,
    checked_field,
    label,
    page,
    title,
    toolbar,
)

RULES = (
    Rule("name", r".+", "Who is it for?"),
    Rule("email", r"[^@\s]+@[^@\s]+\.[^@\s]+", "This is not an e-mail address"),
    Rule("phone", r"\+?[0-9][0-9 -]{6,}", "At least 7 digits"),
    Rule("date", r"\d{4}-\d{2}-\d{2}", "Write the date as 2026-03-31"),
)


def checkout() -> Screen:
    """Four fields; all of them are checked."""
    content = body(
        caption("Where shall we send it?", id="checkout_intro"),
        checked_field("name", "Full name", "Li Wei"),
        checked_field("email", "E-mail", "name@example.com"),
        checked_field("phone", "Phone", "+86 138 0000 0000"),
        checked_field("date", "Delivery date", "YYYY-MM-DD"),
        button("place_order", "Continue", Submit(RULES, (Show("confirm"),))),
        gap=33,
    )
    return Screen("checkout", f"{PACKAGE}.CheckoutActivity", page(toolbar("Checkout"), content))


def confirm() -> Screen:
    """Asks before the order is placed."""
    root = alert(
        "confirm",
        "Place this order?",
        "We will send it to {name} on {date} and write to {email}.",
        alert_button(2, "Cancel", Dismiss()),
        alert_button(1, "Place order", Dismiss(), Goto("payment")),
    )
    return Screen("confirm", f"{PACKAGE}.CheckoutActivity", root, dialog=True, on_back=(Dismiss(),))


def payment() -> Screen:
    """FLAG_SECURE: a screencap of it is black."""
    bank_card = Node(
        "column",
        name="bank_card",
        id="bank_card",
        gap=30,
        pad=(54, 60, 54, 60),
        look=Look(fill="night", radius=40),
        children=(
            label("Waymark Bank", size=44, weight=700, color="on_primary"),
            label("•••• •••• •••• 4242", id="card_number", size=56, color="on_primary"),
            label("LI WEI    09/28", id="card_holder", size=38, color="on_primary"),
        ),
    )
    content = body(
        title("Pay with your card", id="payment_title"),
        bank_card,
        card(Node("row", children=(label("To pay", color="muted", grow=1), label("¥329.00", id="sum", weight=700)))),
        button("pay", "Pay now", Toast("Thank you!"), Goto("home", clear=True), icon="lock"),
        caption("This page is protected: pictures of it are black."),
    )
    return Screen("payment", f"{PACKAGE}.PaymentActivity", page(toolbar("Payment"), content), secure=True)


SCREENS = (checkout(), confirm(), payment())
