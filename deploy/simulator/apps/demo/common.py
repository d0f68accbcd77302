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


PRODUCTS = (
    Product("Trail backpack 28 L", "Light, rain cover included", "¥329", "pack", "primary"),
    Product("Two-person tent", "Stands in four minutes", "¥899", "tent", "accent"),
    Product("Camp lantern", "40 hours on one charge", "¥149", "lamp", "sand"),
    Product("Hiking boots", "Waterproof, half sizes", "¥569", "boot", "violet"),
    Product("Steel mug", "Keeps tea hot for an hour", "¥59", "cup", "blue"),
    Product("Trail map, west", "Scale 1:25,000", "¥39", "map", "rose"),
    Product("Water bottle 1 L", "Fits every side pocket", "¥79", "bottle", "primary"),
    Product("Pocket knife", "Eight tools", "¥189", "knife", "night"),
    Product("Needle compass", "Works without a battery", "¥129", "compass", "accent"),
    Product("Day pack 14 L", "Folds into its own pocket", "¥199", "pack", "blue"),
    Product("Family tent", "Five people, two rooms", "¥1,899", "tent", "violet"),
    Product("Head lamp", "300 lumens, red light", "¥169", "lamp", "danger"),
    Product("Winter boots", "Warm down to -25 °C", "¥749", "boot", "night"),
    Product("Enamel cup", "Blue rim, 300 ml", "¥35", "cup", "sand"),
    Product("Trail map, east", "Scale 1:25,000", "¥39", "map", "primary"),
    Product("Thermos flask", "Hot for twelve hours", "¥159", "bottle", "rose"),
    Product("Field watch", "Luminous hands", "¥459", "clock", "blue"),
    Product("First aid box", "42 pieces", "¥99", "heart", "danger"),
    Product("Action camera", "4K, waterproof to 10 m", "¥1,299", "camera", "violet"),
    Product("Storage crate", "60 litres, stacks", "¥119", "box", "accent"),
)


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
