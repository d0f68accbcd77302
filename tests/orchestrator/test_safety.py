"""The platform's last word on what a model wants."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.orchestrator import ScreenAsked, TaskRules
from contracts.values import (
    AccountRef,
    ApiName,
    AskPerson,
    CallApi,
    Finish,
    LaunchApp,
    Point,
    Press,
    SwipeTo,
    TakeNote,
    TapAt,
    TypeText,
    WaitFor,
)
from services.orchestrator.decisions.tasking.safety import Setting, judge
from tests.orchestrator.tasks import element, kept, tap_on, type_into

ACCOUNT = AccountRef(name="a1", pool="shop", fields={"user": "alice"}, secrets={"password": "env:SHOP_PASSWORD"})
MINE, OTHER = "com.example", "com.bank"


def on(package: str = MINE, *, rules: TaskRules | None = None, **changes: Any) -> Setting:
    screen = {"activity": f"{package}.Main", "state_id": "s", "hierarchy": kept("h"), **changes.pop("screen", {})}
    return Setting(rules or TaskRules(), MINE, ScreenAsked(package=package, **screen), **changes)


def verdict(intent: Any, setting: Setting) -> str:
    judged = judge(intent, setting)
    return judged.verdict if judged.rule is None else f"{judged.verdict} {judged.rule}"


@pytest.mark.parametrize(
    ("rules", "package", "told"),
    [
        ({}, OTHER, "ALLOW"),
        ({"allow_packages": ("com.other",)}, OTHER, "REFUSE PACKAGE"),
        ({"allow_packages": ("com.ba*",)}, OTHER, "ALLOW"),
        ({"allow_packages": ("com.other",)}, MINE, "ALLOW"),
        ({"deny_packages": ("com.bank",)}, OTHER, "REFUSE PACKAGE"),
        ({"deny_packages": ("com.*",), "allow_packages": ("com.bank",)}, OTHER, "REFUSE PACKAGE"),
        ({"deny_packages": (MINE,)}, MINE, "REFUSE PACKAGE"),
    ],
)
def test_lists_of_apps_decide_what_may_be_touched(rules: dict[str, Any], package: str, told: str):
    setting = on(package, rules=TaskRules(**rules))
    assert verdict(tap_on("Row"), setting) == told
    assert verdict(type_into("Name", "x"), setting) == told
    assert verdict(Press(key="ENTER"), setting) == told


def test_an_app_that_may_not_be_touched_may_be_left():
    setting = on(OTHER, rules=TaskRules(deny_packages=(OTHER,)))
    leaving = (
        Press(key="BACK"),
        Press(key="HOME"),
        LaunchApp(app="设置"),
        WaitFor(),
        Finish(),
        AskPerson(question="x"),
    )
    assert {verdict(intent, setting) for intent in leaving} == {"ALLOW"}
    assert verdict(LaunchApp(app=OTHER), setting) == "REFUSE PACKAGE"


def test_a_dialog_of_the_system_belongs_to_every_app_but_granting_is_asked():
    setting = on("com.android.permissioncontroller", rules=TaskRules(allow_packages=("com.other",)))
    assert verdict(tap_on("Deny"), setting) == "ALLOW"
    assert verdict(tap_on("While using the app"), setting) == "CONFIRM"
    assert verdict(tap_on("Autoriser"), setting) == "CONFIRM", "in every language"


@pytest.mark.parametrize(
    ("rules", "intent", "told"),
    [
        ({"deny_actions": ("TYPE",)}, TypeText(text="x"), "REFUSE ACTION"),
        ({"deny_actions": ("TYPE",)}, tap_on("Row"), "ALLOW"),
        ({"allow_actions": ("TAP",)}, Press(key="BACK"), "REFUSE ACTION"),
        ({"allow_actions": ("TAP",)}, tap_on("Row"), "ALLOW"),
        ({"allow_actions": ("TAP",)}, Finish(), "ALLOW"),
        ({"allow_actions": ("TAP",), "deny_actions": ("TAP",)}, tap_on("Row"), "REFUSE ACTION"),
    ],
)
def test_lists_of_actions_decide_what_may_be_done(rules: dict[str, Any], intent: Any, told: str):
    assert verdict(intent, on(rules=TaskRules(**rules))) == told


@pytest.mark.parametrize("label", ["发送", "Delete", "立即支付", "Uninstall", "拨打电话", "Allow"])
def test_what_is_sensitive_is_asked_done_or_refused_as_the_rules_say(label: str):
    assert verdict(tap_on(label), on()) == "CONFIRM"
    assert verdict(tap_on(label), on(rules=TaskRules(confirm="ALLOW"))) == "ALLOW"
    assert verdict(tap_on(label), on(rules=TaskRules(confirm="DENY"))) == "REFUSE SENSITIVE"


@pytest.mark.parametrize("label", ["发现", "Deleted items", "支付宝", "Pay attention", "Search", "OK"])
def test_what_is_harmless_is_done(label: str):
    assert verdict(tap_on(label), on()) == "ALLOW"


def test_what_the_model_itself_calls_sensitive_is():
    assert verdict(tap_on("Continue", sensitive="this orders"), on()) == "CONFIRM"


def test_an_ok_means_what_the_screen_asks():
    assert verdict(tap_on("OK"), on(texts=("Delete this item?", "OK"))) == "CONFIRM"
    assert verdict(tap_on("Cancel"), on(texts=("Delete this item?", "OK"))) == "ALLOW"
    assert verdict(tap_on("确定", beside=("确定要删除吗？",)), on()) == "CONFIRM"
    assert verdict(tap_on("Continue"), on(screen={"activity": "com.shop.CheckoutActivity"})) == "CONFIRM"
    assert verdict(tap_on("OK", resource_id="a:id/confirm_delete"), on()) == "CONFIRM"


def test_an_icon_without_a_label_is_known_by_its_id():
    icon = tap_on("", text=None, resource_id="com.example:id/btn_send")
    assert verdict(icon, on()) == "CONFIRM"
    assert verdict(tap_on("Cancel", resource_id="com.example:id/btn_pay"), on()) == "ALLOW"


def test_a_point_of_which_nobody_knows_what_it_is_is_asked_about():
    point = TapAt(point=Point(x=1, y=2))
    assert verdict(point, on()) == "CONFIRM"
    assert verdict(point, on(screen={"hierarchy": None})) == "CONFIRM"
    assert verdict(point, on(rules=TaskRules(confirm="ALLOW"))) == "ALLOW"


def test_developer_options_are_asked_about():
    setting = on("com.android.settings", screen={"screen_name": "开发者选项"})
    assert verdict(tap_on("USB 调试"), setting) == "CONFIRM"
    assert verdict(Press(key="BACK"), setting) == "ALLOW"


def test_what_only_its_owner_knows_is_typed_by_its_owner():
    assert verdict(type_into("Password", "x", password=True), on()) == "TAKE_OVER"
    assert verdict(type_into("短信验证码", "1234"), on()) == "TAKE_OVER"
    assert verdict(TypeText(text="x"), on(has_password=True)) == "TAKE_OVER", "the focus may be in the password field"
    assert verdict(TypeText(text="x"), on()) == "ALLOW"
    allowed = on(rules=TaskRules(confirm="ALLOW"))
    assert verdict(type_into("Password", "x", password=True), allowed) == "TAKE_OVER", "no rule allows that"


def test_a_secret_of_the_account_goes_into_a_password_field_and_nowhere_else():
    setting = on(account=ACCOUNT)
    assert verdict(type_into("Password", "{{account.password}}", password=True), setting) == "ALLOW"
    assert verdict(type_into("Note", "{{account.password}}"), setting) == "REFUSE SECRET"
    assert verdict(type_into("Password", "x{{account.password}}", password=True), setting) == "REFUSE SECRET"
    assert verdict(TypeText(text="{{account.password}}"), setting) == "REFUSE SECRET"
    assert verdict(type_into("Name", "{{account.user}}"), setting) == "ALLOW"


def test_logging_in_is_a_persons_unless_the_task_has_an_account():
    assert verdict(tap_on("Log in"), on(has_password=True)) == "TAKE_OVER"
    assert verdict(tap_on("Log in"), on(has_password=True, account=ACCOUNT)) == "ALLOW"
    assert verdict(tap_on("Log in"), on()) == "ALLOW", "it leads to where one logs in"
    assert verdict(tap_on("一键登录"), on()) == "TAKE_OVER"


def test_enter_in_a_message_sends_it():
    assert verdict(type_into("Message", "hi", submit=True), on()) == "CONFIRM"
    assert verdict(type_into("Search", "hi", submit=True), on()) == "ALLOW"
    assert verdict(type_into("Message", "hi"), on()) == "ALLOW"
    assert verdict(Press(key="ENTER"), on(typed_last=element("说点什么"))) == "CONFIRM"
    assert verdict(Press(key="ENTER"), on(typed_last=element("Search"))) == "ALLOW"


def test_a_slider_does_what_it_says():
    slide = SwipeTo(start=Point(x=1, y=1), end=Point(x=9, y=1), direction="RIGHT", within=element("Swipe to pay"))
    assert verdict(slide, on()) == "CONFIRM"


def test_calls_that_are_registered_so_need_a_yes():
    call = CallApi(call=ApiName(name="order"))
    assert verdict(call, on(apis=("order",))) == "CONFIRM"
    assert verdict(call, on(apis=("pay",))) == "ALLOW"


def test_notes_are_taken_everywhere():
    assert verdict(TakeNote(text="x"), on(OTHER, rules=TaskRules(deny_packages=(OTHER,)))) == "ALLOW"
