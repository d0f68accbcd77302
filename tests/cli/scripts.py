"""Scripts for tests: any that people or runs can make, and one that logs in to the demo app."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from contracts.scripts import SCRIPT_DATA, ScriptData

DEMO = "com.waymark.demo"
AWKWARD = st.sampled_from(
    ["it's", '"quoted"', "'''", '"""', "a\\b", "two\nlines", "登录 · 确认", "{{name}}", "Hi {{ name }}!", "${x}", "#no",
     "a\u2028b", "- x: [y", "{{account.user}}", "\\", "%s", "100%", "€😀", "a\r\nb", "\x85", "null", "yes", "012",
     " x ", "=1+1"]
)  # fmt: skip
TEXTS = st.one_of(AWKWARD, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
NAMES = st.sampled_from(["name", "q", "user_1", "class"])
SECONDS = st.one_of(st.integers(0, 60), st.floats(0, 60, allow_nan=False))
PLACES = st.builds(
    lambda x, y, unit: {"x": x, "y": y, "unit": unit}, st.integers(0, 100), st.integers(0, 100),
    st.sampled_from(["PX", "PERCENT"]),
)  # fmt: skip
TARGETS = st.one_of(
    st.fixed_dictionaries({"text": TEXTS}, optional={"id": TEXTS, "index": st.integers(0, 9), "description": TEXTS}),
    st.fixed_dictionaries({"text_contains": TEXTS}, optional={"text": TEXTS}),
    st.fixed_dictionaries({"id": st.sampled_from(["login", "com.x:id/login", "a.b[1]"])}),
    st.fixed_dictionaries({"description": TEXTS}),
    st.sampled_from([{"xpath": "//*[@text='a\"b']"}, {"uiselector": 'new UiSelector().text("a\\"b").instance(2)'}]),
    st.just({"uiselector": 'new UiSelector().className("a").childSelector(new UiSelector().text("b"))'}),
    st.builds(lambda at: {"point": at}, PLACES),
)
FLAT = st.one_of(
    st.fixed_dictionaries({}, optional={"app": st.just("com.example.other"), "restart": st.booleans()}).map(
        lambda launch: {"launch": launch}
    ),
    *(
        st.builds(lambda t, s, kind=kind: {kind: {"element": t, "timeout_s": s}}, TARGETS, SECONDS)
        for kind in ("tap", "long_press", "double_tap")
    ),
    st.fixed_dictionaries({"text": TEXTS}, optional={"into": TARGETS, "submit": st.booleans()}).map(
        lambda typed: {"type": typed}
    ),
    st.just({"type": {"secret": "env:APP_PASSWORD", "into": {"id": "password"}}}),
    st.sampled_from(["BACK", "HOME", "ENTER", "SEARCH", "VOLUME_UP", "LEFT", "TAB"]).map(lambda key: {"press": key}),
    st.fixed_dictionaries({"direction": st.sampled_from(["UP", "LEFT"])}, optional={"within": TARGETS}).map(
        lambda stroke: {"swipe": stroke}
    ),
    st.builds(lambda a, b: {"swipe": {"start": a, "end": b}}, PLACES, PLACES),
    st.fixed_dictionaries({}, optional={"within": TARGETS, "until": TARGETS, "direction": st.just("UP")}).map(
        lambda scroll: {"scroll": scroll}
    ),
    st.fixed_dictionaries(
        {"stable": st.just(True)}, optional={"visible": TARGETS, "not_visible": TARGETS, "package": st.just("com.a")}
    ).map(lambda wait: {"wait": wait}),
    TARGETS.map(lambda target: {"expect": {"visible": target}}),
)
STEPS = st.recursive(
    FLAT,
    lambda inner: st.builds(
        lambda t, steps: {"if_seen": {"visible": t, "steps": steps}}, TARGETS, st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=4,
)
SEEN = st.fixed_dictionaries(
    {
        "element_type": st.just("android.widget.Button"),
        "bounds": st.just({"x": 1, "y": 2, "width": 3, "height": 4}),
        "targets": st.lists(TARGETS, max_size=3),
    },
    optional={"text": TEXTS, "content_desc": TEXTS, "editable": st.booleans()},
)
GUARDS = st.fixed_dictionaries(
    {}, optional={"screen": st.just({"package": "com.example", "activity": "com.example.Main"}), "element": SEEN}
)


@st.composite
def scripts(draw: st.DrawFn) -> ScriptData:
    """Any script that can be kept."""
    recorded = st.fixed_dictionaries({"step": STEPS, "words": TEXTS}, optional={"guard": GUARDS, "wait_s": SECONDS})
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    value = {
        "name": draw(TEXTS),
        "description": draw(st.one_of(st.just(""), TEXTS)),
        "app": draw(st.sampled_from(["com.example", None])),
        "parameters": [{"name": name, "description": draw(TEXTS), "secret": draw(st.booleans())} for name in names],
        "steps": draw(st.lists(recorded, min_size=1, max_size=4)),
    }
    return SCRIPT_DATA.validate_python(value)


def login() -> ScriptData:
    """Into the demo app, with guards, a locator that is gone, and most of what a finger does."""
    button = "android.widget.Button"

    def step(what: dict[str, Any], words: str, **more: Any) -> dict[str, Any]:
        return {"step": what, "words": words, **more}

    def seen(element_type: str, *targets: dict[str, Any], text: str | None = None) -> dict[str, Any]:
        box = {"x": 0, "y": 0, "width": 10, "height": 10}
        return {"element_type": element_type, "bounds": box, "targets": list(targets), "text": text}

    field = 'new UiSelector().className("android.widget.EditText")'
    front = {"package": DEMO, "activity": f"{DEMO}.LoginActivity"}
    value = {
        "name": "Log in · 登录",
        "description": "Logs in.\nThen looks around.",
        "app": DEMO,
        "parameters": [{"name": "user", "description": "who"}, {"name": "password", "secret": True}],
        "steps": [
            step({"launch": {"restart": True}}, "launch the app"),
            step({"type": {"into": {"id": "user"}, "text": "{{user}}"}}, "type the name", guard={"screen": front}),
            step({"type": {"into": {"id": "password"}, "text": "{{password}}"}}, "type the password"),
            step(
                {"tap": {"element": {"id": "gone"}, "timeout_s": 5}},
                "tap Sign in",
                guard={"screen": front, "element": seen(button, {"text": "Sign in"}, text="Sign in")},
            ),
            step({"wait": {"visible": {"text": "Checkout"}, "not_visible": {"text": "Sign in"}, "package": DEMO}}, ""),
            step({"if_seen": {"visible": {"text": "Not there"}, "steps": [{"press": "HOME"}], "timeout_s": 0}}, ""),
            step({"swipe": {"direction": "UP"}}, "swipe up"),
            step({"swipe": {"direction": "DOWN"}}, "swipe down"),
            step({"wait": {"stable": True}}, "wait until it rests"),
            step({"double_tap": {"element": {"id": "greeting"}}}, ""),
            step({"tap": {"element": {"text": "Shop"}}}, ""),
            step({"scroll": {"until": {"text": "Storage crate"}, "max_swipes": 9}}, ""),
            step({"long_press": {"element": {"point": {"x": 50, "y": 5, "unit": "PERCENT"}}}}, ""),
            step({"tap": {"element": {"description": "Search"}}}, ""),
            step({"type": {"into": {"uiselector": field}, "text": "Trail {{user}}"}}, ""),
            step({"expect": {"visible": {"xpath": "//android.widget.EditText[@text='Trail alice']"}}}, ""),
            step({"press": "DELETE"}, ""),
            step({"expect": {"visible": {"text_contains": "Trail alic"}, "package": DEMO}}, ""),
        ],
    }  # fmt: skip
    return SCRIPT_DATA.validate_python(value)
