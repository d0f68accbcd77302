"""Which source reads, what a phone's configuration asks for, and who holds UiAutomation: without a phone."""

from __future__ import annotations

import pytest

from services.device_agent.hierarchy_sources.choice import FIRST_PAUSE_S, LONGEST_PAUSE_S, Choice
from services.device_agent.hierarchy_sources.preference import Preference, preferences
from services.device_agent.hierarchy_sources.resident import held_words
from services.device_agent.parsers.processes import Holder, holders
from services.device_agent.reading import Source

# --- configuration ----------------------------------------------------------------------------------------------------


def test_the_server_is_preferred_where_nothing_is_said():
    assert preferences({}).of("any") is Preference.AUTO


@pytest.mark.parametrize(
    "said",
    [
        "dump,emulator-5554=server,10.0.0.7:5555=auto",
        " DUMP , emulator-5554 = Server,10.0.0.7:5555=auto,",
    ],
)
def test_a_phone_can_differ_from_the_others(said):
    asked = preferences({"WAYMARK_HIERARCHY_SOURCE": said})

    found = [asked.of(serial) for serial in ("R58M", "emulator-5554", "10.0.0.7:5555")]
    assert found == [Preference.DUMP, Preference.SERVER, Preference.AUTO]


@pytest.mark.parametrize("said", ["u2", "auto,R58M=jar"])
def test_a_source_that_does_not_exist_is_refused_with_those_that_do(said):
    with pytest.raises(ValueError, match="write auto, server, dump"):
        preferences({"WAYMARK_HIERARCHY_SOURCE": said})


# --- which reads next -------------------------------------------------------------------------------------------------


def test_one_failure_starts_the_server_anew_at_once():
    assert Choice(Preference.AUTO).server_failed(100.0).source(100.0) is Source.SERVER


def test_repeated_failures_leave_the_phone_to_the_dump_ever_longer_and_never_for_good():
    choice, now_s, pauses = Choice(Preference.AUTO), 0.0, []
    for _ in range(12):
        choice = choice.server_failed(now_s)
        pauses.append(choice.pause_until_s - now_s)
        now_s = choice.pause_until_s
        assert choice.source(now_s) is Source.SERVER
        assert choice.source(now_s - 0.01) is Source.DUMP or pauses[-1] == 0
    assert pauses[:4] == [0.0, FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_reading_of_the_server_forgives_what_was():
    failed = Choice(Preference.AUTO).server_failed(0.0).server_failed(0.0)

    assert failed.server_read() == Choice(Preference.AUTO)


def test_where_the_dump_fails_as_well_the_server_is_due_again_soon():
    choice = Choice(Preference.AUTO)
    for _ in range(9):
        choice = choice.server_failed(0.0)

    assert choice.source(FIRST_PAUSE_S) is Source.DUMP
    assert choice.dump_failed(0.0).source(FIRST_PAUSE_S) is Source.SERVER


@pytest.mark.parametrize(("preference", "source"), [(Preference.DUMP, Source.DUMP), (Preference.SERVER, Source.SERVER)])
def test_a_source_that_is_forced_is_never_left(preference, source):
    choice = Choice(preference)
    for _ in range(5):
        choice = choice.server_failed(0.0)

    assert choice.source(1.0) is source


# --- who holds UiAutomation -------------------------------------------------------------------------------------------

NEW = """  PID ARGS
    1 init second_stage
 4711 io.appium.uiautomator2.server
 5120 app_process / com.wetest.uia2.Main -p 9008
 6001 com.android.systemui
"""
OLD = """USER     PID   PPID  VSIZE  RSS     WCHAN    PC        NAME
u0_a7     951   69    1256464 72208 ffffffff b6db0920 S com.android.launcher
u0_a91    1804  69    1206724 26164 ffffffff b6db0920 S com.github.uiautomator
shell     2210  69    1206724 26164 ffffffff b6db0920 S uiautomator
"""


def test_holders_are_found_in_the_lists_of_all_generations():
    assert holders(NEW) == (
        Holder("Appium", 4711, "io.appium.uiautomator2.server"),
        Holder("a uiautomator2 server", 5120, "app_process / com.wetest.uia2.Main -p 9008"),
    )
    assert [(holder.tool, holder.pid) for holder in holders(OLD)] == [
        ("the uiautomator2 app", 1804),
        ("`uiautomator`", 2210),
    ]


def test_no_holder_is_invented_from_real_lists(corpus):
    listed = (corpus / "appium_appium-adb/process-commands_14.txt").read_text()

    assert holders(listed) == ()


def test_words_name_the_tool_its_process_and_what_to_do():
    words = held_words(holders(NEW)[:1])

    assert "Appium (pid 4711, io.appium.uiautomator2.server)" in words
    assert "end it" in words
    assert "`ps` does not show" in held_words(())
