from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from contracts.values import Bounds, LocatorCheck, Strategy, ValidationStatus, ValidationType
from services.device_agent.checks import FRAME_COLOUR, Seen, check_all

BUTTON = Bounds(x=100, y=200, width=200, height=80)
ELSEWHERE = Bounds(x=0, y=1000, width=10, height=10)


def node(rid: str, text: str, bounds: str, inner: str = "") -> str:
    return (
        f'<node index="0" text="{text}" resource-id="com.a:id/{rid}" class="android.widget.Button" package="com.a" '
        f'content-desc="" checkable="false" checked="false" clickable="true" enabled="true" focusable="true" '
        f'focused="false" scrollable="false" long-clickable="false" password="false" selected="false" '
        f'bounds="{bounds}">{inner}</node>'
    )


XML = (
    "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"0\">"
    + node("pay", "付款", "[100,200][300,280]")
    + node("row", "row", "[0,400][540,500]")
    + node("row", "row", "[0,500][540,600]")
    + node("hidden", "hidden", "[0,2000][540,2100]")
    + "</hierarchy>"
)


def picture() -> Image.Image:
    image = Image.new("RGB", (540, 1200), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.rectangle((100, 200, 299, 279), fill=(20, 120, 60))
    draw.ellipse((150, 210, 210, 270), fill=(250, 250, 0))
    return image


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


SEEN = Seen(hierarchy=XML, png=png(picture()), width=540, height=1200)


def check(kind: str, strategy: Strategy, value: str, seen: Seen = SEEN, expected: Bounds = BUTTON, template=None):
    item = LocatorCheck(
        candidate_id="c1",
        strategy=strategy,
        locator_value=value,
        validation_type=ValidationType(kind),
        expected=expected,
    )
    (result,) = check_all([item], seen, {"c1": template} if template else {})
    return result


@pytest.mark.parametrize(
    ("strategy", "value", "passes", "note"),
    [
        (Strategy.ID, "com.a:id/pay", True, ""),
        (Strategy.TEXT, "付款", True, ""),
        (Strategy.XPATH, "//*[@text='付款']", True, ""),
        (Strategy.CUSTOM, 'new UiSelector().text("付款")', True, ""),
        (Strategy.ID, "com.a:id/row", False, "2 elements"),
        (Strategy.ID, "com.a:id/none", False, "no element"),
        (Strategy.ID, "", False, "no element"),
        (Strategy.XPATH, "//*[", False, ""),
    ],
)
def test_existence_means_exactly_one_match(strategy, value, passes, note):
    result = check("EXISTENCE", strategy, value)

    assert (result.status is ValidationStatus.PASSED) is passes
    assert note in result.note
    assert result.bounds == (BUTTON if passes else None)
    assert result.latency_ms >= 0


def test_element_below_the_screen_exists_and_is_not_visible():
    assert check("EXISTENCE", Strategy.ID, "com.a:id/hidden").status is ValidationStatus.PASSED
    invisible = check("VISIBILITY", Strategy.ID, "com.a:id/hidden")
    assert invisible.status is ValidationStatus.FAILED
    assert "not visible" in invisible.note


def test_element_that_moved_passes_and_says_where_it_is():
    result = check("VISIBILITY", Strategy.ID, "com.a:id/pay", expected=ELSEWHERE)

    assert result.status is ValidationStatus.PASSED
    assert "[100,200][300,280]" in result.note


def test_highlight_gives_the_picture_with_the_element_framed():
    result = check("HIGHLIGHT", Strategy.ID, "com.a:id/pay")

    assert result.status is ValidationStatus.PASSED
    framed = Image.open(io.BytesIO(result.picture)).convert("RGB")
    assert framed.size == (540, 1200)
    assert framed.getpixel((92, 240)) == FRAME_COLOUR
    assert framed.getpixel((120, 205)) == (20, 120, 60)


def test_highlight_without_a_picture_is_skipped_with_the_reason():
    secure = Seen(hierarchy=XML, png=None, width=540, height=1200, picture_lacks="SECURE")
    result = check("HIGHLIGHT", Strategy.ID, "com.a:id/pay", secure)

    assert (result.status, result.picture) == (ValidationStatus.SKIPPED, None)
    assert "SECURE" in result.note


def test_missing_or_broken_hierarchy_asks_for_another_capture():
    for hierarchy in (None, XML[:-30]):
        seen = Seen(hierarchy=hierarchy, png=None, width=None, height=None, hierarchy_lacks="NOT_IDLE")
        assert check("EXISTENCE", Strategy.ID, "com.a:id/pay", seen).status is ValidationStatus.RETRY


def test_click_is_not_told_by_looking():
    assert check("CLICK", Strategy.ID, "com.a:id/pay").status is ValidationStatus.SKIPPED


def test_picture_locator_is_found_on_the_screenshot():
    template = png(picture().crop((100, 200, 300, 280)))
    found = check("EXISTENCE", Strategy.IMAGE_TEMPLATE, "sha", template=template, expected=ELSEWHERE)

    assert found.status is ValidationStatus.PASSED
    assert found.bounds == BUTTON


def test_picture_locator_that_is_not_there_fails_and_one_without_template_is_tried_again():
    other = Image.new("RGB", (60, 60), (255, 255, 255))
    ImageDraw.Draw(other).line((0, 0, 60, 60), fill=(0, 0, 0), width=9)
    assert check("EXISTENCE", Strategy.IMAGE_TEMPLATE, "sha", template=png(other)).status is ValidationStatus.FAILED
    assert check("EXISTENCE", Strategy.IMAGE_TEMPLATE, "sha").status is ValidationStatus.RETRY
    broken = check("EXISTENCE", Strategy.IMAGE_TEMPLATE, "sha", template=b"junk")
    assert broken.status is ValidationStatus.FAILED
