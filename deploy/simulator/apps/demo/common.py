"""What the screens of the demo app share: its package, the goods it sells, its bottom tabs."""

from __future__ import annotations

from typing import NamedTuple

from deploy.simulator.apps.actions import ALWAYS, Effect, Goto
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.widgets import label, page

PACKAGE = "com.waymark.demo"


class Product(NamedTuple):
    """One thing that the demo shop sells."""

    name: str
    about: str
    price: str
    art: str
    color: str
    chinese: str
    """What it is called in Chinese: the search finds it by that too."""


PRODUCTS = (
    Product("Trail backpack 28 L", "Light, rain cover included", "¥329", "pack", "primary", "登山包 28升"),
    Product("Two-person tent", "Stands in four minutes", "¥899", "tent", "accent", "双人帐篷"),
    Product("Camp lantern", "40 hours on one charge", "¥149", "lamp", "sand", "营地灯"),
    Product("Hiking boots", "Waterproof, half sizes", "¥569", "boot", "violet", "登山靴"),
    Product("Steel mug", "Keeps tea hot for an hour", "¥59", "cup", "blue", "不锈钢水杯"),
    Product("Trail map, west", "Scale 1:25,000", "¥39", "map", "rose", "西线徒步地图"),
    Product("Water bottle 1 L", "Fits every side pocket", "¥79", "bottle", "primary", "水壶 1升"),
    Product("Pocket knife", "Eight tools", "¥189", "knife", "night", "折叠刀"),
    Product("Needle compass", "Works without a battery", "¥129", "compass", "accent", "指南针"),
    Product("Day pack 14 L", "Folds into its own pocket", "¥199", "pack", "blue", "便携背包 14升"),
    Product("Family tent", "Five people, two rooms", "¥1,899", "tent", "violet", "家庭帐篷"),
    Product("Head lamp", "300 lumens, red light", "¥169", "lamp", "danger", "头灯"),
    Product("Winter boots", "Warm down to -25 °C", "¥749", "boot", "night", "冬季靴"),
    Product("Enamel cup", "Blue rim, 300 ml", "¥35", "cup", "sand", "搪瓷杯"),
    Product("Trail map, east", "Scale 1:25,000", "¥39", "map", "primary", "东线徒步地图"),
    Product("Thermos flask", "Hot for twelve hours", "¥159", "bottle", "rose", "保温瓶"),
    Product("Field watch", "Luminous hands", "¥459", "clock", "blue", "户外手表"),
    Product("First aid box", "42 pieces", "¥99", "heart", "danger", "急救包"),
    Product("Action camera", "4K, waterproof to 10 m", "¥1,299", "camera", "violet", "运动相机"),
    Product("Storage crate", "60 litres, stacks", "¥119", "box", "accent", "收纳箱"),
)


OUTDOORS = "户外用品"
"""The category of all goods, in Chinese."""


def open_product(number: int) -> Goto:
    """Opens the detail page of the product with this number, counted from 1."""
    product = PRODUCTS[number - 1]
    args = (
        ("number", str(number)),
        ("product", product.name),
        ("about", product.about),
        ("price", product.price),
        ("art", product.art),
        ("color", product.color),
    )
    return Goto("detail", args)


_TABS = (("home", "Home", "home"), ("products", "Shop", "grid"), ("orders", "订单", "list"), ("me", "Me", "person"))


def tabbed(name: str, *parts: Node) -> Screen:
    """A screen of MainActivity with the bottom tabs; BACK leads to the home tab first."""
    tabs = tuple(_tab(tab, text, icon, selected=tab == name) for tab, text, icon in _TABS)
    bar = Node(
        "row",
        name="tabs",
        id="bottom_navigation",
        class_name="android.widget.FrameLayout",
        height=168,
        children=tabs,
        look=Look(fill="card"),
    )
    root = page(*parts, bar)
    if name == "home":
        return Screen(name, f"{PACKAGE}.MainActivity", root)
    return Screen(name, f"{PACKAGE}.MainActivity", root, on_back=(Goto("home", replace=True),))


def _tab(tab: str, text: str, icon: str, *, selected: bool) -> Node:
    color = "primary" if selected else "faint"
    tap: tuple[Effect, ...] = () if selected else (Goto(tab, replace=True),)
    picture = Node("icon", width=72, height=72, look=Look(icon=icon, color=color))
    name = label(
        text, id="navigation_bar_item_label", name=f"tab_{tab}_label", size=30, weight=500, color=color, align="center"
    )
    return Node(
        "column",
        name=f"tab_{tab}",
        id=f"tab_{tab}",
        desc=text,
        tap=tap,
        weight=1,
        height=168,
        pad=(0, 24, 0, 12),
        gap=4,
        children=(picture, name),
        class_name="android.widget.FrameLayout",
        selected=ALWAYS if selected else None,
        look=Look(align="center"),
    )
