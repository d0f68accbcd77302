"""Orders: a page in Chinese, and one order."""

from __future__ import annotations

from typing import NamedTuple

from deploy.simulator.apps.actions import AllOf, Condition, Effect, Goto, Is, Not, Put, Toast
from deploy.simulator.apps.demo.common import PACKAGE, tabbed
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.widgets import body, button, caption, card, label, listing, page, thumb, title, toolbar


class Order(NamedTuple):
    """One order as the list shows it."""

    number: str
    goods: str
    state: str
    sum: str
    day: str
    art: str
    color: str


ORDERS = (
    Order("WM20260301", "徒步背包 28升", "待付款", "¥329.00", "3月1日", "pack", "primary"),
    Order("WM20260226", "双人帐篷、营地灯", "运输中", "¥1,048.00", "2月26日", "tent", "accent"),
    Order("WM20260214", "不锈钢水杯 两只", "已完成", "¥118.00", "2月14日", "cup", "blue"),
    Order("WM20260130", "防水登山靴 42码", "已完成", "¥569.00", "1月30日", "boot", "violet"),
    Order("WM20260112", "急救包", "已取消", "¥99.00", "1月12日", "heart", "danger"),
    Order("WM20251224", "西线徒步地图", "已完成", "¥39.00", "12月24日", "map", "rose"),
    Order("WM20251111", "头灯、指南针", "已完成", "¥298.00", "11月11日", "lamp", "sand"),
)
_FILTERS = (("filter_all", "全部", ""), ("filter_unpaid", "待付款", "待付款"), ("filter_done", "已完成", "已完成"))


def orders() -> Screen:
    """The third tab: 订单列表, with three filters."""
    chips = Node(
        "row",
        name="filters",
        id="filter_group",
        gap=24,
        height=144,
        pad=(42, 24, 42, 24),
        look=Look(fill="card", border="bottom"),
        children=tuple(_chip(*each) for each in _FILTERS),
    )
    rows = [_order(at, order) for at, order in enumerate(ORDERS, 1)]
    return tabbed("orders", toolbar("订单列表", back=False), chips, listing("order_list", rows))


def _chip(name: str, text: str, state: str) -> Node:
    on = Is("order_filter", state)
    return Node(
        "button",
        name=name,
        id=name,
        text=text,
        tap=(Put("order_filter", state),),
        width=210,
        height=90,
        selected=on,
        look=Look(36, 500, "primary", "center", "primary_soft", "", 45),
    )


def _order(at: int, order: Order) -> Node:
    args = (
        ("number", order.number),
        ("goods", order.goods),
        ("state", order.state),
        ("sum", order.sum),
        ("day", order.day),
        ("art", order.art),
        ("color", order.color),
    )
    tap: tuple[Effect, ...] = (Goto("order_detail", args),)
    color = {"待付款": "accent", "运输中": "blue", "已取消": "faint"}.get(order.state, "primary")
    text = Node(
        "column",
        weight=1,
        gap=6,
        children=(
            label(order.goods, id="order_goods", name=f"order_{at}_goods", size=42, weight=500, lines=1),
            caption(f"订单号 {order.number} · {order.day}", id="order_number", name=f"order_{at}_number"),
            label(order.state, id="order_state", name=f"order_{at}_state", size=34, weight=500, color=color),
        ),
    )
    return Node(
        "row",
        name=f"order_{at}",
        id="order_row",
        tap=tap,
        gap=30,
        pad=(42, 30, 42, 30),
        shown=_filtered(order.state),
        look=Look(fill="card", border="bottom"),
        children=(thumb(order.art, order.color), text, label(order.sum, size=38, weight=500)),
    )


def _filtered(state: str) -> Condition:
    """Shown under the filter of its state and under 全部."""
    others = tuple(Not(Is("order_filter", each)) for _, _, each in _FILTERS if each not in ("", state))
    return AllOf(others)


def order_detail() -> Screen:
    """One order: what, when, how much, where it is."""
    head = Node(
        "row",
        gap=30,
        children=(
            Node("image", width=180, height=180, look=Look(icon="{art}", fill="{color}", radius=32)),
            Node(
                "column",
                weight=1,
                gap=6,
                children=(title("{goods}", id="order_title"), caption("订单号 {number}", id="order_code")),
            ),
        ),
    )
    facts = card(
        *(
            _fact(name, value)
            for name, value in (
                ("状态", "{state}"),
                ("下单日期", "{day}"),
                ("合计", "{sum}"),
                ("收货地址", "杭州市西湖区文三路 90 号"),
            )
        ),
        gap=24,
    )
    content = body(
        head,
        facts,
        button("refund", "申请退款", Toast("退款申请已提交")),
        button("copy_number", "复制订单号", Toast("已复制"), tone="outline"),
    )
    return Screen("order_detail", f"{PACKAGE}.OrderDetailActivity", page(toolbar("订单详情"), content))


def _fact(name: str, value: str) -> Node:
    return Node("row", gap=24, children=(label(name, color="muted", grow=1), label(value, weight=500)))


SCREENS = (orders(), order_detail())
