"""The hierarchy is what uiautomator prints, and the picture is a PNG that belongs to it."""

from __future__ import annotations

import io
import re
import time

import pytest
from lxml import etree
from PIL import Image

from deploy.simulator.apps.catalog import apk, app
from deploy.simulator.apps.paint import Scene, png
from deploy.simulator.apps.palette import text_width, wrap
from deploy.simulator.hierarchy import XmlNode, hierarchy_xml
from tests.simulator_apps.driving import bounds, phone, signed_in

ATTRIBUTES = [
    "index",
    "text",
    "resource-id",
    "class",
    "package",
    "content-desc",
    "checkable",
    "checked",
    "clickable",
    "enabled",
    "focusable",
    "focused",
    "scrollable",
    "long-clickable",
    "password",
    "selected",
    "bounds",
]


def test_the_hierarchy_has_uiautomators_declaration_attributes_and_order():
    text = signed_in().world.surface(200.0).hierarchy
    assert text.startswith(
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\"><node index=\"0\" text=\"\""
    )
    root = etree.fromstring(text.encode())
    for node in root.iter("node"):
        assert list(node.attrib) == ATTRIBUTES
        assert [int(child.get("index")) for child in node] == list(range(len(node)))


def test_no_box_is_empty_and_none_leaves_its_parent_or_the_screen():
    finger = signed_in().tap("tab_products").drag(1000, 937)
    for node in finger.nodes():
        left, top, right, bottom = bounds(node)
        assert 0 <= left < right <= 1080
        assert 0 <= top < bottom <= 1920
        parent = node.getparent()
        if parent.tag == "node":
            outer = bounds(parent)
            assert outer[0] <= left
            assert outer[1] <= top
            assert right <= outer[2]
            assert bottom <= outer[3]


def test_special_characters_come_back_from_the_xml_as_they_were():
    text = "a<b> & \"c\"\n\ttab 'd' 😀 中文 \u00a0"
    flags = (False,) * 10
    root = etree.fromstring(hierarchy_xml([XmlNode(text, "", "x", "p", text, flags, (0, 0, 1, 1))]).encode())
    assert root[0].get("text") == text
    assert root[0].get("content-desc") == text


def test_what_xml_cannot_hold_becomes_a_dot():
    node = XmlNode("a\x00b\ud83d", "", "x", "p", "", (False,) * 10, (0, 0, 1, 1))
    assert etree.fromstring(hierarchy_xml([node]).encode())[0].get("text") == "a.b."


def test_a_picture_is_a_whole_png_of_the_screen_and_small():
    finger = signed_in()
    for tab in ("tab_products", "tab_orders", "tab_me", "tab_home"):
        data = finger.tap(tab).world.picture(finger.now_s)
        image = Image.open(io.BytesIO(data))
        image.load()
        assert (image.format, image.size) == ("PNG", (1080, 1920))
        assert data.endswith(b"IEND\xaeB`\x82")
        assert len(data) < 100_000


def test_equal_states_of_two_phones_have_equal_pictures_and_other_states_others():
    one, two = signed_in(), signed_in().tap("tile_clock").key("BACK")
    assert one.world.picture(one.now_s) == two.world.picture(two.now_s)
    assert one.tap("tab_me").world.picture(one.now_s) != two.world.picture(two.now_s)


def test_a_picture_does_not_depend_on_the_cache():
    world = signed_in().world
    scene = Scene(world._windows(200.0))
    assert png.__wrapped__(scene) == png.__wrapped__(scene) == world.picture(200.0)


def test_a_toast_is_in_the_picture_for_two_seconds_and_never_in_the_hierarchy():
    finger = signed_in().tap("tab_home")
    finger.tap("tile_sync")
    quiet = finger.world.picture(finger.now_s)
    finger.tap("sync_later")
    assert finger.world.picture(finger.now_s) != quiet
    assert not finger.has("We will remind you")
    assert finger.wait(2.1).world.picture(finger.now_s) == quiet


def test_chinese_text_is_painted_with_glyphs_of_its_own():
    assert {text_width(character, 40, 400) for character in "订单列表"} == {40.0}
    finger = signed_in().tap("tab_orders")
    label = finger.find("徒步背包 28升")
    picture = Image.open(io.BytesIO(finger.world.picture(finger.now_s))).convert("L").crop(bounds(label))
    left, right = picture.crop((0, 0, 42, picture.height)), picture.crop((42, 0, 84, picture.height))
    assert left.tobytes() != right.tobytes()
    assert left.getextrema()[0] < 80


def test_text_breaks_after_blanks_and_between_chinese_characters():
    assert wrap("one two three", 40, 400, 160) == ("one two", "three")
    assert wrap("订单列表订单列表", 40, 400, 165) == ("订单列表", "订单列表")
    assert wrap("one two three", 40, 400, 160, 1) == ("one t…",)


def test_rendering_is_quick_enough():
    finger = signed_in()
    scenes = []
    for tab in ("tab_products", "tab_orders", "tab_me"):
        finger.tap(tab)
        scenes.append(Scene(finger.world._windows(finger.now_s)))
        png.__wrapped__(scenes[-1])
    took = []
    for scene in scenes * 3:
        before = time.process_time()
        png.__wrapped__(scene)
        took.append(time.process_time() - before)
    assert min(took) < 0.06


def test_the_package_file_is_a_zip_with_a_binary_manifest():
    import zipfile

    for version in ("1", "2"):
        with zipfile.ZipFile(io.BytesIO(apk("demo", version))) as archive:
            manifest = archive.read("AndroidManifest.xml")
        assert manifest[:4] == b"\x03\x00\x08\x00"
        assert int.from_bytes(manifest[4:8], "little") == len(manifest)
        assert "com.waymark.demo".encode("utf-16-le") in manifest
        assert app("demo", version).version_name.encode("utf-16-le") in manifest


@pytest.mark.parametrize("key", ["VOLUME_UP", "MENU", "APP_SWITCH"])
def test_other_keys_change_nothing(key):
    finger = phone()
    before = finger.world.surface(finger.now_s)
    assert finger.key(key).world.surface(finger.now_s) == before


def test_a_chunk_of_the_hierarchy_has_the_decor_of_a_real_window():
    ids = re.findall(r'resource-id="(android:id/[^"]*)"', signed_in().world.surface(200.0).hierarchy)
    assert ids == ["android:id/content", "android:id/navigationBarBackground", "android:id/statusBarBackground"]
