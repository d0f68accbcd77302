from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from services.device_agent import stacks
from services.device_agent.crashes import CrashFinder, CrashKind, find
from services.device_agent.parsers import logcat


def lines(text: str):
    return [line for raw in text.splitlines() if (line := logcat.line(raw)) is not None]


def crash_log(process: str, pid: int, body: str, time: str = "10-28 11:37:03.410", thread: str = "main") -> str:
    head = [f"FATAL EXCEPTION: {thread}", f"Process: {process}, PID: {pid}"]
    return "".join(f"{time} {pid:5} {pid:5} E AndroidRuntime: {line}\n" for line in [*head, *body.splitlines()])


STACK = """java.lang.IllegalStateException: order 4711 is gone
\tat com.shop.cart.Cart.total(Cart.kt:88)
\tat com.shop.cart.Cart$1.onClick(Cart.kt:41)
\tat android.view.View.performClick(View.java:7448)
Caused by: java.lang.NullPointerException
\tat com.shop.db.Rows.get(Rows.kt:12)
\t... 3 more"""


@pytest.fixture
def stack_files(corpus) -> list[Path]:
    return sorted((corpus / "themis_crash_stacks").glob("*/*stack*.txt"))


def renumbered(text: str, seed: int) -> str:
    """The same crash at another time on another phone: other pids, times, lines, lambdas, proxies, addresses."""
    dice = random.Random(seed)

    def number(_match: re.Match[str]) -> str:
        return str(dice.randint(1, 9999))

    text = re.sub(r"(?<=\.java:)\d+|(?<=\.kt:)\d+|(?<=SourceFile:)\d+|(?<=Unknown Source:)\d+", number, text)
    text = re.sub(r"(?<=PID: )\d+", number, text)
    text = re.sub(r"(?m)^\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\s+\d+\s+\d+", "05-06 07:08:09.123  4242  4343", text)
    text = re.sub(r"(?<=[@{])[0-9a-f]{6,8}\b", lambda _: f"{dice.getrandbits(28):07x}", text)
    text = re.sub(r"(?<=access\$)\d+|(?<=-wrap)\d+|(?<=Lambda\$)\d+", number, text)
    return re.sub(r"(lambda\$\w+?\$)\d+", lambda match: match[1] + number(match), text)


def test_same_crash_with_other_numbers_has_the_same_key(stack_files):
    assert len(stack_files) > 30
    for file in stack_files:
        text = file.read_text(errors="replace")
        for seed in range(3):
            assert stacks.normalise(renumbered(text, seed)) == stacks.normalise(text), file.name


def test_different_crashes_have_different_keys(stack_files):
    keys = {stacks.key(stacks.normalise(file.read_text(errors="replace"))) for file in stack_files}

    assert len(keys) == len(stack_files)


def test_every_real_stack_is_understood(stack_files):
    for file in stack_files:
        normal = stacks.normalise(file.read_text(errors="replace"))
        assert re.match(r"[\w.$]+(Exception|Error)\n", normal), f"{file.name}: {normal[:200]}"
        assert "\nat " in normal, file.name


def test_messages_and_line_numbers_do_not_matter_but_methods_and_causes_do():
    other = STACK.replace("4711", "815").replace(":88", ":97").replace("Cart$1", "Cart$12")

    assert stacks.normalise(other) == stacks.normalise(STACK)
    assert stacks.normalise(STACK.replace("Rows.get", "Rows.put")) != stacks.normalise(STACK)
    assert stacks.normalise(STACK.replace("NullPointerException", "ClassCastException")) != stacks.normalise(STACK)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("com.a.Cart$1.onClick(Cart.kt:1)", "com.a.Cart$12.onClick(Cart.kt:9)"),
        ("com.a.B.lambda$show$3(B.java:1)", "com.a.B.lambda$show$0(B.java:1)"),
        ("com.a.-$$Lambda$B$xGYvSJjF6-_c.run(Unknown Source:4)", "com.a.-$$Lambda$B$GT3kBO9MoWU.run(Unknown Source:2)"),
        ("com.a.B$$ExternalSyntheticLambda3.run(D8$$SyntheticClass)", "com.a.B$$ExternalSyntheticLambda11.run(D8)"),
        ("com.a.B.access$3600(B.java:1)", "com.a.B.access$lambda$2(B.java:1)"),
        ("com.sun.proxy.$Proxy2.go(Unknown Source)", "com.sun.proxy.$Proxy17.go(Unknown Source)"),
    ],
)
def test_generated_names_do_not_matter(one, other):
    def thrown(frame: str) -> str:
        return f"java.lang.Error: x\n\tat {frame}\n\tat com.a.Main.go(Main.kt:3)"

    assert stacks.normalise(thrown(one)) == stacks.normalise(thrown(other))
    assert stacks.normalise(thrown(one)) != stacks.normalise(
        thrown(one.replace("com.a", "com.b").replace("sun", "moon"))
    )


def test_overflow_of_the_stack_does_not_depend_on_its_depth():
    def overflow(depth: int) -> str:
        return (
            "java.lang.StackOverflowError\n"
            + "\tat com.a.Tree.walk(Tree.java:9)\n" * depth
            + "\tat com.a.B.c(B.java:1)"
        )

    assert stacks.normalise(overflow(50)) == stacks.normalise(overflow(900))


def test_crash_is_found_with_its_process_and_stack():
    (crash,) = find(lines(crash_log("com.shop:sync", 4960, STACK, thread="pool-1")))

    assert (crash.kind, crash.process, crash.package, crash.pid) == (CrashKind.CRASH, "com.shop:sync", "com.shop", 4960)
    assert (crash.exception, crash.message) == ("java.lang.IllegalStateException", "order 4711 is gone")
    assert crash.thread == "pool-1"
    assert crash.time == "10-28 11:37:03.410"
    assert "Cart.kt:88" in crash.stack[1]
    assert crash.normal == stacks.normalise(STACK)


def test_crashes_whose_lines_are_mixed_are_told_apart():
    first = crash_log("com.one", 11, STACK).splitlines()
    second = crash_log("com.two", 22, STACK.replace("Rows.get", "Rows.put")).splitlines()
    mixed = "\n".join(line for pair in zip(first, second, strict=True) for line in pair)

    assert {crash.process: len(crash.stack) for crash in find(lines(mixed))} == {"com.one": 7, "com.two": 7}


def test_second_crash_of_a_process_completes_the_first():
    finder = CrashFinder()
    found = [crash for line in lines(crash_log("com.a", 5, STACK) * 2) for crash in finder.feed(line)]

    assert len(found) == 1
    assert finder.is_reading
    assert len(finder.flush()) == 1
    assert not finder.is_reading


def test_report_without_end_is_bounded():
    (crash,) = find(lines(crash_log("com.a", 5, "java.lang.Error: x\n" + "\tat com.a.B.c(B.java:1)\n" * 5000)))

    assert len(crash.stack) < 500


def test_real_log_has_the_crash_of_2016(corpus):
    text = (corpus / "adb_outputs_from_issues/crash_logcat_threadtime_main_2016.txt").read_text()
    (crash,) = find(lines(text))

    assert (crash.process, crash.exception) == ("tv.piratemedia.lightcontroler", "java.lang.RuntimeException")


def test_anr_has_its_reason(corpus):
    text = (corpus / "adb_outputs_from_issues/anr_logcat_threadtime_flutter.txt").read_text()
    (anr,) = find(lines(text))

    assert (anr.kind, anr.process, anr.pid) == (CrashKind.ANR, "com.zxs.app", 4960)
    assert anr.normal == "ANR\ncom.zxs.app/com.zxs.flutter_app.MainActivity\nInput dispatching timed out"
    assert len(anr.stack) == 3


def test_anr_waited_for_longer_is_the_same_one(corpus):
    text = (corpus / "adb_outputs_from_issues/anr_logcat_droidify_2025.txt").read_text()
    first = "".join(f"03-24 11:45:56.097  2479  2510 {line}\n" for line in text.splitlines())
    second = first.replace("5001ms", "9999ms").replace("61a981d", "77b0002").replace("17681", "4")

    assert [crash.key for crash in find(lines(first))] == [crash.key for crash in find(lines(second))]


def test_native_crash_is_found_and_its_addresses_do_not_matter():
    def tombstone(pid: int, offset: str) -> str:
        body = f"""*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'x/y/z:13/T/1:user/release-keys'
pid: {pid}, tid: {pid}, name: Render  >>> com.game <<<
signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x{offset}
backtrace:
      #00 pc 0000000000{offset}  /data/app/~~x/com.game-1/lib/arm64/libgame.so (draw_frame+{int(offset, 16) % 99})
      #01 pc 0000000000{offset}  /apex/com.android.art/lib64/libart.so (art_quick_generic_jni_trampoline+148)"""
        return "".join(f"10-28 11:37:03.410  7777  7777 F DEBUG   : {line}\n" for line in body.splitlines())

    (one,), (two,) = find(lines(tombstone(10, "5ad0"))), find(lines(tombstone(99, "66f4")))

    assert (one.kind, one.process, one.pid, one.exception) == (CrashKind.NATIVE, "com.game", 10, "SIGSEGV")
    assert one.key == two.key
    assert one.normal.splitlines()[1] == "at libgame.so draw_frame"


def test_quiet_logs_hold_no_crash(corpus):
    text = (corpus / "honeynet_droidbot/report_com.yelp.android/logcat.txt").read_text(errors="replace")

    assert find(lines(text)) == []
