"""The engine: a state, a gesture, the state after it."""

from __future__ import annotations

import random

import pytest

from deploy.simulator.apps.catalog import apk
from tests.simulator_apps.driving import PACKAGE, bounds, centre, phone, signed_in, started


def test_the_launcher_icon_starts_the_app_and_the_splash_turns_into_the_login():
    finger = phone()
    assert finger.activity == "HomeActivity"
    finger.tap("Waymark Demo · 演示")
    splash = finger.world.surface(finger.now_s)
    assert (splash.activity, splash.animated) == (f"{PACKAGE}.SplashActivity", True)
    finger.wait(0.31)
    login = finger.world.surface(finger.now_s)
    assert (login.activity, login.animated) == (f"{PACKAGE}.LoginActivity", False)


def test_empty_fields_show_an_error_each_and_do_not_sign_in():
    finger = started().tap("sign_in")
    assert finger.activity == "LoginActivity"
    assert finger.has("Enter your user name")
    assert finger.has("At least 3 characters")


def test_any_user_and_password_sign_in_and_the_login_is_not_behind():
    finger = signed_in()
    assert finger.has("Good morning, li")
    finger.key("BACK")
    assert finger.activity == "HomeActivity"


def test_a_password_is_shown_as_dots():
    finger = started().type("password", "秘密ab")
    node = finger.find("password")
    assert (node.get("text"), node.get("password"), node.get("focused")) == ("••••", "true", "true")


def test_an_empty_field_shows_its_hint_and_clearing_brings_it_back():
    finger = started()
    assert finger.find("user").get("text") == "name or e-mail"
    finger.type("user", "李伟 x")
    assert finger.find("user").get("text") == "李伟 x"
    finger.key("DEL")
    assert finger.find("user").get("text") == "李伟 "
    finger.world.clear_text(finger.now_s)
    assert finger.find("user").get("text") == "name or e-mail"


def test_typing_without_focus_changes_nothing():
    finger = started()
    before = finger.world.surface(finger.now_s).hierarchy
    finger.world.type_text("lost", finger.now_s)
    assert finger.world.surface(finger.now_s).hierarchy == before


def test_enter_goes_to_the_next_field_and_submits_on_the_last():
    finger = started().type("user", "li").key("ENTER")
    finger.world.type_text("secret", finger.now_s)
    assert finger.key("ENTER").activity == "MainActivity"


def test_tabs_share_an_activity_and_back_leads_to_the_first():
    finger = signed_in().tap("tab_orders")
    assert finger.activity == "MainActivity"
    assert finger.has("订单列表")
    assert finger.key("BACK").has("tile_checkout")


def test_a_row_is_clickable_and_its_label_is_not():
    finger = signed_in().tap("tab_products")
    row, label = finger.find("product_row"), finger.find("Trail backpack 28 L")
    assert (row.get("clickable"), row.get("text")) == ("true", "")
    assert label.get("clickable") == "false"
    assert finger.at(*centre(label)).has("Photo of Trail backpack 28 L")


def test_a_list_scrolls_and_shows_only_what_is_in_sight():
    finger = signed_in().tap("tab_products")
    box = bounds(finger.find("product_list"))
    assert not finger.has("Storage crate")
    for node in finger.nodes():
        if node.get("resource-id").endswith("product_row"):
            _left, top, _right, bottom = bounds(node)
            assert box[1] <= top < bottom <= box[3]
    for _ in range(6):
        finger.drag(1500, 500)
    assert finger.has("Storage crate")
    assert not finger.has("Trail backpack 28 L")
    end = finger.world.surface(finger.now_s).hierarchy
    assert finger.drag(1500, 500).world.surface(finger.now_s).hierarchy == end
    for _ in range(6):
        finger.drag(500, 1500)
    assert finger.has("Trail backpack 28 L")


def test_the_offset_of_a_list_is_the_way_of_the_finger():
    finger = signed_in().tap("tab_products")
    before = bounds(finger.find("Two-person tent"))[1]
    finger.drag(1000, 900)
    assert bounds(finger.find("Two-person tent"))[1] == before - 100


def test_a_form_names_each_wrong_field_and_keeps_what_was_typed():
    finger = signed_in().tap("tile_checkout").type("name", "Li Wei").type("email", "wrong").tap("place_order")
    assert finger.has("This is not an e-mail address")
    assert finger.has("At least 7 digits")
    assert finger.find("name").get("text") == "Li Wei"
    assert not finger.has("Who is it for?")


def _confirmed():
    finger = signed_in().tap("tile_checkout")
    for field, text in (("name", "李伟"), ("email", "li@wei.cn"), ("phone", "13800000000"), ("date", "2026-03-31")):
        finger.type(field, text)
    return finger.tap("place_order")


def test_a_dialog_is_the_only_window_of_the_hierarchy_and_back_closes_it():
    finger = _confirmed()
    assert finger.has("Place this order?")
    assert finger.has("We will send it to 李伟 on 2026-03-31 and write to li@wei.cn.")
    assert not finger.has("place_order")
    assert finger.activity == "CheckoutActivity"
    assert finger.key("BACK").has("place_order")


def test_a_tap_beside_a_dialog_closes_it():
    assert _confirmed().at(20, 300).has("place_order")


def test_the_payment_page_is_secure_and_paying_leads_home_without_a_way_back():
    finger = _confirmed().tap("Place order")
    assert finger.world.surface(finger.now_s).secure
    finger.tap("pay")
    assert finger.has("tile_checkout")
    assert [activity for _, activity in finger.world.surface(finger.now_s).task] == [f"{PACKAGE}.MainActivity"]


def test_a_permission_is_asked_by_the_controller_once_and_remembered():
    finger = signed_in().tap("tile_scan").tap("open_camera")
    assert finger.package == "com.android.permissioncontroller"
    assert finger.has("Allow Waymark Demo · 演示 to take pictures and record video?")
    finger.tap("permission_allow_foreground_only_button")
    assert finger.has("scan_hint")
    assert finger.key("BACK").tap("open_camera").has("scan_hint")


def test_two_refusals_are_an_answer_for_good_and_leaving_the_question_is_none():
    finger = signed_in().tap("tile_scan")
    for _ in range(3):
        finger.tap("open_camera").key("BACK")
    for _ in range(2):
        finger.tap("open_camera").tap("permission_deny_button")
        assert finger.has("camera_refused")
    assert finger.tap("open_camera").activity == "ScanActivity"


def test_a_question_ends_with_the_app_that_asked_it():
    finger = signed_in().tap("tile_scan").tap("open_camera")
    finger.world.force_stop(PACKAGE, finger.now_s)
    assert finger.activity == "HomeActivity"


@pytest.mark.parametrize("seed", range(4))
def test_a_phone_shows_something_whatever_is_done_to_it(seed: int):
    chance, finger = random.Random(seed), started()
    for _ in range(400):
        match chance.randrange(12):
            case 0:
                finger.key(chance.choice(("BACK", "HOME", "ENTER")))
            case 1:
                finger.world.launch(PACKAGE, None, finger.now_s)
            case 2 if chance.random() < 0.5:
                finger.world.force_stop(PACKAGE, finger.now_s)
            case 3:
                finger.drag(1600, 600)
            case 4:
                finger.wait(chance.choice((0.3, 2.0)))
            case _:
                touchable = [node for node in finger.nodes() if node.get("clickable") == "true"]
                finger.at(*centre(chance.choice(touchable)) if touchable else (540, 900))
        assert finger.nodes()


def test_switches_are_kept_with_the_install_and_cleared_with_its_data():
    finger = signed_in().tap("tab_me").tap("Settings").tap("switch_wifi")
    assert finger.find("switch_wifi").get("checked") == "true"
    finger.world.force_stop(PACKAGE, finger.now_s)
    assert finger.activity == "HomeActivity"
    finger.world.launch(PACKAGE, None, finger.now_s)
    finger.wait(0.5).tap("tab_me").tap("Settings")
    assert finger.find("switch_wifi").get("checked") == "true"
    assert finger.world.clear_data(PACKAGE, finger.now_s)
    finger.world.launch(PACKAGE, None, finger.now_s)
    assert finger.wait(0.5).activity == "LoginActivity"


def test_preview_does_nothing_until_a_photo_is_selected():
    finger = signed_in().tap("tile_picker")
    before = finger.world.surface(finger.now_s).hierarchy
    assert finger.tap("preview_button").world.surface(finger.now_s).hierarchy == before
    finger.tap("Photo 2")
    assert finger.has("1/9")
    assert finger.tap("preview_button").has("1 selected")


def test_a_double_tap_zooms_and_two_single_taps_do_not():
    finger = signed_in().tap("tile_picker").tap("Photo 1").tap("preview_button")
    x, y = centre(finger.find("preview_photo"))
    assert not finger.at(x, y).at(x, y).has("zoom_note")
    finger.world.double_tap(x, y, finger.now_s)
    assert finger.has("zoom_note")


def test_a_long_press_stars_a_message_and_a_tap_marks_it_read():
    finger = signed_in().tap("open_inbox").hold("Autumn sale")
    assert finger.has("★")
    assert not finger.has("read")
    assert finger.tap("Autumn sale").has("read")


def test_the_clock_ticks():
    finger = signed_in().tap("tile_clock")
    first = finger.find("clock_time").get("text")
    assert finger.wait(1.0).find("clock_time").get("text") != first


def test_searching_leaves_what_matches():
    finger = signed_in().tap("open_search").type("search_src_text", "TENT")
    assert [t for t in finger.texts() if t in ("Two-person tent", "Hiking boots")] == ["Two-person tent"]


def test_the_web_page_has_nodes_without_ids_and_a_question_opens_its_answer():
    finger = signed_in().tap("tab_me").tap("Help centre")
    web = next(node for node in finger.nodes() if node.get("class") == "android.webkit.WebView")
    assert {node.get("resource-id") for node in web.iter("node")} == {""}
    assert finger.tap("Is my payment safe?").has(
        "The payment page is protected: not even a screenshot of it can be taken."
    )


def test_a_link_leaves_to_the_browser_and_back_returns():
    finger = signed_in().tap("tab_me").tap("Settings").tap("About").tap("Website")
    assert finger.package == "com.waymark.sim.browser"
    assert finger.key("BACK").has("about_version")


def test_a_crash_is_a_dead_process_at_the_launcher_and_a_stack_in_the_crash_buffer():
    finger = signed_in().tap("tile_export").tap("export_pdf")
    assert finger.activity == "HomeActivity"
    lines = [line for line in finger.world.log(0.0) if line.buffer == "crash"]
    assert lines[0].message == "FATAL EXCEPTION: main"
    assert lines[1].message == f"Process: {PACKAGE}, PID: {lines[0].pid}"
    assert lines[2].message.startswith("java.lang.NullPointerException: Attempt to invoke virtual method")
    assert any("lambda$onCreate$0" in line.message for line in lines)
    assert any(line.message.startswith("Caused by: ") for line in lines)
    assert {(line.priority, line.tag) for line in lines} == {("E", "AndroidRuntime")}
    finger.world.launch(PACKAGE, None, finger.now_s)
    assert finger.wait(0.5).has("Good morning, li")


def test_memory_dies_with_the_process():
    finger = signed_in().tap("tile_picker").tap("Photo 1")
    finger.world.force_stop(PACKAGE, finger.now_s)
    finger.world.launch(PACKAGE, None, finger.now_s)
    assert finger.wait(0.5).tap("tile_picker").has("0/9")


def test_an_anr_shows_the_systems_dialog_until_it_is_answered():
    finger = signed_in().tap("tile_sync").tap("sync_now")
    assert finger.package == "android"
    assert finger.has("Waymark Demo · 演示 isn't responding")
    assert finger.key("BACK").has("Wait")
    anr = [line for line in finger.world.log(0.0) if line.tag == "ActivityManager" and line.priority == "E"]
    assert anr[0].message == f"ANR in {PACKAGE} ({PACKAGE}/.ToolsActivity)"
    assert finger.tap("Wait").has("sync_now")
    assert finger.tap("sync_now").tap("Close app").activity == "HomeActivity"


def test_home_keeps_the_app_and_launching_brings_it_back_where_it_was():
    finger = signed_in().tap("tab_products").key("HOME")
    assert finger.package == "com.waymark.sim.launcher"
    finger.world.launch(PACKAGE, None, finger.now_s)
    assert finger.has("product_list")


def test_the_navigation_bar_goes_back_and_home():
    finger = signed_in().tap("tile_clock")
    assert finger.at(180, 1850).has("tile_clock")
    assert finger.at(540, 1850).package == "com.waymark.sim.launcher"


def test_a_deep_link_opens_its_screen_and_back_leaves():
    finger = phone()
    assert finger.world.deep_link("waymarkdemo://detail/3", None, finger.now_s)
    assert finger.has("Camp lantern")
    assert finger.key("BACK").package == "com.waymark.sim.launcher"
    assert not finger.world.deep_link("waymarkdemo://detail/99", None, finger.now_s)
    assert not finger.world.deep_link("waymarkdemo://detail/3", "com.android.settings", finger.now_s)


def test_only_exported_activities_start_from_outside():
    world = phone().world
    assert world.launch(PACKAGE, ".DetailActivity", 1.0)
    assert not world.launch(PACKAGE, f"{PACKAGE}.DebugMenuActivity", 1.0)
    assert not world.launch(PACKAGE, ".Nothing", 1.0)
    assert not world.launch("com.android.permissioncontroller", None, 1.0)


def test_an_update_keeps_what_was_stored():
    finger = signed_in()
    assert finger.world.install(apk("demo", "2"), finger.now_s) == "Success"
    finger.world.launch(PACKAGE, None, finger.now_s)
    assert finger.wait(0.5).has("home_checkout")
    assert finger.world.install(b"PK nothing", finger.now_s).startswith("Failure [INSTALL_PARSE_FAILED_NOT_APK")
    assert {app.package: app.version_name for app in finger.world.apps()}[PACKAGE] == "2.0"


def test_an_uninstalled_app_has_no_icon_and_the_systems_apps_stay():
    finger = phone()
    assert finger.world.uninstall(PACKAGE, 1.0)
    assert not finger.has("Waymark Demo · 演示")
    assert not finger.world.uninstall("com.android.settings", 1.0)
    assert finger.world.install(apk("demo", "2"), 1.0) == "Success"
    assert finger.has("Waymark Demo · 演示")


def test_the_same_seed_gives_the_same_log_and_another_seed_another_pid():
    def crashed(seed: int):
        finger = phone(seed=seed)
        finger.world.launch(PACKAGE, None, finger.now_s)
        finger.wait(0.5).type("user", "li").type("password", "secret").tap("sign_in").tap("tile_export")
        finger.tap("export_pdf")
        return finger.world.log(0.0)

    assert crashed(7) == crashed(7)
    assert crashed(7)[-1].message != crashed(8)[-1].message
