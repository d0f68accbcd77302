"""Version 2 of the demo app: what a release changes, and nothing else."""

from __future__ import annotations

from deploy.simulator.apps.actions import Goto, Toast
from deploy.simulator.apps.changes import (
    AddElement,
    AddScreen,
    Change,
    ChangeText,
    DropScreen,
    Move,
    Redirect,
    RenameId,
    Wrap,
)
from deploy.simulator.apps.demo.common import PACKAGE
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.widgets import body, button, caption, card, item, label, listing, page, thumb, title, toolbar

_COUPONS = (
    ("满 200 减 30", "全场通用 · 3月31日前有效", "primary"),
    ("Tents −20%", "Until Sunday", "accent"),
    ("Free delivery", "Once, on any order", "blue"),
)


def coupons() -> Screen:
    """New: what the user can save."""
    rows = [
        item(
            f"coupon_{at}",
            first,
            second,
            Toast("Kept for your next order"),
            row_id="coupon_row",
            lead=thumb("ticket", color),
            first_id="coupon_name",
            second_id="coupon_terms",
        )
        for at, (first, second, color) in enumerate(_COUPONS, 1)
    ]
    return Screen("coupons", f"{PACKAGE}.CouponsActivity", page(toolbar("Coupons"), listing("coupon_list", rows)))


def receipt() -> Screen:
    """New: what comes after paying."""
    head = Node(
        "column",
        gap=24,
        pad=(0, 90, 0, 30),
        look=Look(align="center"),
        children=(
            thumb("check", "primary", size=240),
            title("Thank you!", id="receipt_title"),
            caption("Your order WM20260304 is placed", id="receipt_number"),
        ),
    )
    facts = card(Node("row", children=(label("Paid", color="muted", grow=1), label("¥329.00", weight=700))))
    content = body(head, facts, button("receipt_home", "Back to the shop", Goto("home", clear=True)))
    return Screen(
        "receipt",
        f"{PACKAGE}.PaymentActivity",
        page(toolbar("Receipt", back=False), content),
        on_back=(Goto("home", clear=True),),
    )


CHANGES: tuple[Change, ...] = (
    RenameId("login", "sign_in", "btn_login"),
    RenameId("home", "tile_checkout", "home_checkout"),
    RenameId("products", "product_row", "goods_row"),
    RenameId("detail", "add_to_cart", "btn_cart"),
    RenameId("settings", "switch_wifi", "wifi_switch"),
    RenameId("picker", "preview_button", "btn_preview"),
    ChangeText("login", "login_title", "Good to see you"),
    ChangeText("detail", "buy_now", "Order now"),
    ChangeText("checkout", "place_order", "Go on"),
    ChangeText("orders", "filter_unpaid", "未付款"),
    ChangeText("sync", "sync_later", "Not now"),
    Wrap("home", "greeting", "greeting_frame"),
    Wrap("checkout", "email", "email_frame"),
    Wrap("export", "export_csv", "export_frame"),
    Move("home", "tile_sync", 0),
    Move("settings", "row_about", 3),
    Move("scan", "find_stores", 3),
    DropScreen("order_detail"),
    AddScreen(coupons()),
    AddElement(
        "me",
        "row_inbox",
        item("row_coupons", "Coupons", "3 to use", Goto("coupons"), lead=thumb("ticket", "rose", size=96)),
    ),
    AddScreen(receipt()),
    Redirect("payment", "pay", (Goto("receipt", clear=True),)),
)
