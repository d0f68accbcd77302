"""Signing in, the start page, the list of goods, one product, searching."""

from __future__ import annotations

from deploy.simulator.apps.actions import (
    ON,
    AllOf,
    Back,
    Choose,
    Condition,
    Goto,
    Has,
    Is,
    Not,
    Put,
    Rule,
    Submit,
    Toast,
)
from deploy.simulator.apps.demo.common import OUTDOORS, PACKAGE, PRODUCTS, Product, open_product, tabbed
from deploy.simulator.apps.model import Look, Node, Screen
from deploy.simulator.apps.widgets import (
    action,
    body,
    button,
    caption,
    card,
    checked_field,
    field,
    grow,
    item,
    label,
    listing,
    page,
    thumb,
    title,
    toolbar,
)

_FOUND_IN_ENGLISH = 8


def splash() -> Screen:
    """A loading page that turns into its target after 0.3 s."""
    content = Node(
        "column",
        weight=1,
        gap=48,
        pad=(60, 560, 60, 0),
        look=Look(align="center"),
        children=(
            Node("image", width=260, height=260, desc="Waymark", look=Look(icon="compass", fill="primary", radius=72)),
            label("Waymark Demo", size=64, weight=700, align="center"),
            Node("progress", name="progress", id="loading"),
        ),
    )
    onward = Choose(Is("signed_in", ON), (Goto("home", replace=True),), (Goto("login", replace=True),))
    return Screen(
        "splash", f"{PACKAGE}.SplashActivity", page(content, fill="card"), animated=True, after_s=0.3, after=(onward,)
    )


def login() -> Screen:
    """User and password; anything but an empty field signs in."""
    submit = Submit(
        (Rule("user", r".+", "Enter your user name"), Rule("password", r".{3,}", "At least 3 characters")),
        (Put("signed_in", ON), Put("account", "{user}"), Goto("home", clear=True)),
    )
    head = Node(
        "column",
        gap=24,
        pad=(60, 150, 60, 90),
        look=Look(fill="primary"),
        children=(
            Node(
                "image",
                width=150,
                height=150,
                desc="Waymark",
                look=Look(icon="compass", fill="primary_dark", radius=42),
            ),
            label("Welcome back", id="login_title", size=76, weight=700, color="on_primary"),
            label("Sign in to see your orders · 欢迎回来", size=38, color="on_primary"),
        ),
    )
    form = Node(
        "column",
        gap=36,
        pad=(60, 60, 60, 60),
        children=(
            checked_field("user", "User name", "name or e-mail"),
            Node(
                "column",
                gap=10,
                children=(
                    caption("Password"),
                    field("password", "at least 3 characters", password=True, enter=(submit,)),
                    label(
                        "{password_error}",
                        id="password_error",
                        size=32,
                        color="danger",
                        shown=Not(Is("password_error", "")),
                    ),
                ),
            ),
            button("sign_in", "Sign in", submit),
            button("forgot", "Forgot password?", Toast("Any password will do"), tone="plain"),
        ),
    )
    return Screen("login", f"{PACKAGE}.LoginActivity", page(head, form, grow()))


def home() -> Screen:
    """The first tab: ways to everything else."""
    bar = toolbar(
        "Waymark Demo",
        action("open_search", "search", "Search", Goto("search")),
        action("open_inbox", "bell", "Notifications", Goto("inbox")),
        back=False,
    )
    banner = Node(
        "row",
        gap=36,
        pad=(42, 42, 42, 42),
        look=Look(fill="primary_soft", radius=32),
        children=(
            Node(
                "column",
                weight=1,
                gap=10,
                children=(
                    label("Good morning, {account}", id="greeting", size=46, weight=700, lines=1),
                    caption("Autumn sale: 20% off all tents"),
                ),
            ),
            thumb("tent", "primary", size=150),
        ),
    )
    tiles = Node(
        "grid",
        name="tiles",
        columns=2,
        gap=30,
        children=(
            _tile("tile_checkout", "card", "accent", "Checkout", Goto("checkout")),
            _tile("tile_picker", "picture", "violet", "Choose photos", Goto("picker")),
            _tile("tile_scan", "camera", "blue", "Scan a code", Goto("scan")),
            _tile("tile_clock", "clock", "sand", "World clock", Goto("clock")),
            _tile("tile_export", "box", "rose", "Export orders", Goto("export")),
            _tile("tile_sync", "sync", "primary", "Synchronise", Goto("sync")),
        ),
    )
    return tabbed("home", bar, body(banner, label("What next?", size=46, weight=700), tiles))


def _tile(name: str, icon: str, color: str, text: str, go: Goto) -> Node:
    return Node(
        "column",
        name=name,
        id=name,
        tap=(go,),
        gap=18,
        pad=(36, 36, 36, 36),
        height=258,
        look=Look(fill="card", border="line", radius=28),
        children=(thumb(icon, color, size=96), label(text, id="tile_text", name=f"{name}_text", weight=500)),
    )


def _row(number: int, product: Product, prefix: str = "product", shown: Condition | None = None) -> Node:
    return item(
        f"{prefix}_{number}",
        product.name,
        product.about,
        open_product(number),
        trail=product.price,
        lead=thumb(product.art, product.color),
        row_id="product_row",
        first_id="product_name",
        second_id="product_about",
        shown=shown,
    )


def products() -> Screen:
    """The second tab: a list that needs scrolling. A row is clickable, its name is on a label inside."""
    bar = toolbar("Shop", action("open_search", "search", "Search", Goto("search")), back=False)
    return tabbed("products", bar, listing("product_list", [_row(at, each) for at, each in enumerate(PRODUCTS, 1)]))


def detail() -> Screen:
    """One product. The deep link `waymarkdemo://detail/3` leads here too."""
    picture = Node(
        "image",
        name="photo",
        id="product_photo",
        desc="Photo of {product}",
        height=560,
        width=996,
        look=Look(icon="{art}", fill="{color}", radius=36),
    )
    buy = Node(
        "row",
        gap=30,
        children=(
            button(
                "add_to_cart",
                "Add to cart",
                Put("cart", ON),
                Toast("{product} is in your cart"),
                tone="outline",
                grow=1,
            ),
            button("buy_now", "Buy now", Goto("checkout"), grow=1),
        ),
    )
    content = body(
        picture,
        title("{product}", id="product_name"),
        Node(
            "row",
            children=(
                label("{price}", id="product_price", size=56, weight=700, color="primary", grow=1),
                label("★ 4.8 · 213", size=38, color="muted"),
            ),
        ),
        label(
            "{about}. Made for long days outside; two years of guarantee, thirty days to send it back.",
            id="product_text",
            color="muted",
        ),
        card(label("In your cart", id="in_cart", weight=500, color="primary"), shown=Is("cart", ON)),
        buy,
    )
    bar = toolbar("Product {number}", action("remember", "heart", "Remember", Toast("Remembered")))
    return Screen("detail", f"{PACKAGE}.DetailActivity", page(bar, content))


def search() -> Screen:
    """A field and the goods that match what is typed: the first eight by their English names, all by Chinese ones."""
    rows = [_row(at, each, "hit", _matches(at, each)) for at, each in enumerate(PRODUCTS, 1)]
    bar = Node(
        "row",
        height=180,
        gap=12,
        pad=(0, 18, 42, 18),
        look=Look(fill="card", border="bottom"),
        children=(
            Node(
                "icon",
                name="navigate_up",
                desc="Navigate up",
                tap=(Back(),),
                width=126,
                height=144,
                look=Look(icon="back"),
            ),
            Node(
                "field",
                name="query",
                id="search_src_text",
                hint="Search the shop",
                weight=1,
                enter=(Toast("Searched"),),
                look=Look(size=42, fill="page", border="line", radius=60),
            ),
        ),
    )
    return Screen("search", f"{PACKAGE}.SearchActivity", page(bar, listing("results", rows)))


def _matches(number: int, product: Product) -> Condition:
    chinese = f"{OUTDOORS} {product.chinese}"
    if number <= _FOUND_IN_ENGLISH:
        return Has("query", f"{product.name} {chinese}")
    return AllOf((Not(Is("query", "")), Has("query", chinese)))


SCREENS = (splash(), login(), home(), products(), detail(), search())
