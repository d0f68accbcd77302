"""What phones print of ended processes and of their own reports, native stacks, ANRs, clocks: what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_agent import native_stacks, remembered
from services.device_agent.crash_events import occurrences
from services.device_agent.crashes import Crash, CrashKind, Source, find
from services.device_agent.effects import AdbTime, Attached
from services.device_agent.evidence import around
from services.device_agent.parsers import dropbox, exit_info, logcat
from services.device_agent.phone_clock import PhoneClock, clock

NOW = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
CLOCK = PhoneClock(datetime(2026, 10, 5, 21, 0), NOW)  # noqa: DTZ001 - a phone's clock, nine hours ahead
EXITS = """ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)
Last Timestamp of Persistence Into Persistent Storage: 2026-10-05 15:54:06.558
  package: com.shop
    Historical Process Exit for uid=10196
        ApplicationExitInfo #0:
          timestamp=2026-10-05 19:21:57.535 pid=3421 realUid=10196 packageUid=10196 definingUid=10196 user=0
          process=com.shop reason=4 (APP CRASH(EXCEPTION)) subreason=0 (UNKNOWN) status=0
          importance=100 pss=0.00 rss=0.00 description=crash state=empty trace=null
        ApplicationExitInfo #1:
          timestamp=2026-10-05 19:21:46.855 pid=2176 realUid=10196 packageUid=10196 definingUid=10196 user=0
          process=com.shop:sync reason=6 (ANR) subreason=0 (UNKNOWN) status=0
          importance=300 pss=0.00 rss=0.00 description=bg anr: executing service com.shop/.Sync state=empty trace=null
        ApplicationExitInfo #2:
          timestamp=2026-10-05 18:01:10.284 pid=5410 realUid=10196 packageUid=10196 definingUid=10196 user=0
          process=com.shop reason=10 (USER REQUESTED) subreason=21 (FORCE STOP) status=0
          importance=100 pss=88MB rss=210MB description=stop com.shop due to from pid 5606 state=empty trace=null
  package: com.game
    Historical Process Exit for uid=10463
        ApplicationExitInfo #0:
          timestamp=2026-10-05 19:33:03.880 pid=4189 realUid=10463 packageUid=10463 definingUid=10463 user=0
          process=com.game reason=3 (LOW_MEMORY) subreason=0 (UNKNOWN) status=0
          importance=100 pss=0.00 rss=2.5GB description=null state=empty trace=null
        ApplicationExitInfo #1:
          timestamp=2026-10-05 19:30:03.880 pid=4188 realUid=10463 packageUid=10463 definingUid=10463 user=0
          process=com.game reason=3 (LOW_MEMORY) subreason=0 (UNKNOWN) status=0
          importance=400 pss=0.00 rss=2.5GB description=null state=empty trace=null
"""
OTHER_LAYOUT = """ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)
  package: com.shop
    Historical Process Exit for uid=10123
        ApplicationExitInfo #0:
          timestamp=2026-10-05 06:15:00.000
          pid=1234
          realUid=10123
          process=com.shop
          reason=5 (APP CRASH(NATIVE))
          status=11
          importance=100
          description=null
          state=empty
"""
DROPBOX = """Drop box contents: 3 entries
Searching for: data_app_crash

========================================
2026-10-05 19:21:57 data_app_crash (text, 2348 bytes)
SystemUptimeMs: 60916
Process: com.shop
PID: 3421
UID: 10273
Frozen: false
Package: com.shop v4 (0.3.1)
Foreground: Yes
Timestamp: 2026-10-05 19:21:57.265+0900

java.lang.IllegalStateException: 购物车 4711
\tat com.shop.Cart.total(Cart.java:29)
\tat android.os.Handler.dispatchMessage(Handler.java:110)

========================================
2026-10-05 19:21:57 data_app_crash (text, 2713 bytes)
Process: com.other
Package: com.other v1 (1)

java.lang.NullPointerException: no
\tat com.other.Main.onCreate(Main.java:10)
========================================
2026-10-05 19:21:57 data_app_crash (contents lost)
"""
ANR_REPORT = """Drop box contents: 1 entries

========================================
2026-10-05 19:22:01 data_app_anr (compressed text, 9000 bytes)
Process: com.shop:sync
PID: 2176
Package: com.shop v4 (0.3.1)
Subject: executing service com.shop/.Sync

----- pid 2176 at 2026-10-05 19:21:46.000000000+0900 -----
Cmd line: com.shop:sync
DALVIK THREADS (24):
"Signal Catcher" daemon prio=10 tid=6 Runnable
  | group="system" sCount=0
  at java.lang.Thread.run(Thread.java:919)

"main" prio=5 tid=1 Blocked
  | group="main" sCount=1 ucsCount=0 flags=1 obj=0x72a3c self=0xb400
  at com.shop.db.Rows.%s(Rows.java:33)
  - waiting to lock <0x0c5a3b21> (a java.lang.Object) held by thread 12
  at com.shop.Sync$$ExternalSyntheticLambda%d.run(Unknown Source:2)
  at android.os.Looper.loop(Looper.java:288)

"other" prio=5 tid=9 Native
  at com.shop.Other.run(Other.java:1)
"""
TOMBSTONE = """*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'x/y/z:{release}/T/1:user/release-keys'
Cmdline: com.game
pid: {pid}, tid: {pid}, name: Thread-{thread}  >>> com.game <<<
signal 6 (SIGABRT), code -1 (SI_QUEUE), fault addr --------
Abort message: 'Scudo ERROR: invalid chunk state when deallocating address 0x{address}'
      #00 pc 00000000000{address}  /apex/com.android.runtime/lib64/bionic/libc.so (abort+{offset}) (BuildId: {build}1)
      #01 pc 00000000000{address}  /apex/com.android.runtime/lib64/bionic/libc.so (scudo::die()+{offset}) (BuildId: {build}1)
      #02 pc 00000000000{address}  /data/app/~~{build}==/com.game-{build}==/lib/arm64/libgame.so (Scene::draw(int, {types})+{offset}) (BuildId: 11)
      #03 pc 000000000001f3c0  /data/app/~~{build}==/com.game-{build}==/base.apk!libgame.so (offset 0x{address}000) (BuildId: 11)
      #04 pc 00000000000{address}  /apex/com.android.art/lib64/libart.so (art_quick_generic_jni_trampoline+{offset}) (BuildId: {build})
      #05 pc 00000000000{address}  /data/app/~~{build}==/com.game-{build}==/oat/arm64/base.odex (com.game.Render.frame+{offset})
      #06 pc 00000000000{address}  [anon:dalvik-classes.dex extracted in memory from /x/base.apk] (com.game.Render.run+{offset})
      #07 pc 00000000000{address}  /apex/com.android.art/lib64/libart.so (nterp_helper+{offset}) (BuildId: {build})
"""  # noqa: E501 - as phones print it


def tombstone(**changes: str) -> list[str]:
    values = {"release": "13", "pid": "77", "thread": "5", "address": "5ad0f", "offset": "168", "build": "c0ffee"}
    return TOMBSTONE.format(**{**values, "types": "char const*", **changes}).splitlines()


# --- exit-info --------------------------------------------------------------------------------------------------------


def test_each_process_that_ended_is_read_with_its_reason():
    found = exit_info.exits(EXITS)

    assert [(e.process, e.pid, e.reason, e.importance, e.description) for e in found] == [
        ("com.shop", 3421, 4, 100, "crash"),
        ("com.shop:sync", 2176, 6, 300, "bg anr: executing service com.shop/.Sync"),
        ("com.shop", 5410, 10, 100, "stop com.shop due to from pid 5606"),
        ("com.game", 4189, 3, 100, ""),
        ("com.game", 4188, 3, 400, ""),
    ]
    assert found[0].reason_name == "APP CRASH(EXCEPTION)"
    assert "package: com.game" not in found[2].text


def test_a_record_with_a_field_a_line_is_read_too():
    (found,) = exit_info.exits(OTHER_LAYOUT)
    assert (found.pid, found.reason, found.reason_name, found.process) == (1234, 5, "APP CRASH(NATIVE)", "com.shop")


@given(st.text(max_size=400))
def test_whatever_a_phone_prints_is_read_or_left_out(text: str):
    assert isinstance(exit_info.exits("ApplicationExitInfo #0:\n" + text), list)
    assert isinstance(dropbox.entries("=" * 40 + "\n" + text), list)
    assert CLOCK.here_at(text) is None or text.strip()


# --- what the phone remembers -----------------------------------------------------------------------------------------


def test_what_ended_badly_is_a_crash_with_the_stack_of_the_phones_report():
    reports = dropbox.entries(DROPBOX) + dropbox.entries(ANR_REPORT % ("get", 3))
    crashes = remembered.crashes(exit_info.exits(EXITS), reports, CLOCK, NOW - timedelta(hours=5))

    assert [(c.kind, c.process, c.source) for c in crashes] == [
        (CrashKind.ANR, "com.shop:sync", Source.EXIT_INFO),
        (CrashKind.CRASH, "com.shop", Source.DROPBOX),
        (CrashKind.LOW_MEMORY, "com.game", Source.EXIT_INFO),
    ]
    assert crashes[1].exception == "java.lang.IllegalStateException"
    assert crashes[1].message == "购物车 4711"
    assert crashes[1].normal == "java.lang.IllegalStateException\nat com.shop.Cart.total"


def test_what_happened_before_is_not_told():
    assert remembered.crashes(exit_info.exits(EXITS), (), CLOCK, NOW) == []


def test_the_same_crash_has_one_key_in_the_log_and_in_what_the_phone_remembers():
    report = ["java.lang.IllegalStateException: 购物车 1", "\tat com.shop.Cart.total(Cart.java:29)", "\t... 3 more"]
    lines = ["FATAL EXCEPTION: main", "Process: com.shop, PID: 3421", *report]
    log = "".join(f"10-05 19:21:57.530  3421  3421 E AndroidRuntime: {line}\n" for line in lines)
    (logged,) = find(line for raw in log.splitlines() if (line := logcat.line(raw)))
    _, crash, _ = remembered.crashes(exit_info.exits(EXITS), dropbox.entries(DROPBOX), CLOCK, NOW - timedelta(hours=5))
    device = UUID(int=1)

    assert crash.key == logged.key
    assert (
        occurrences(device, crash, CLOCK.here_at(crash.time))[0]
        == occurrences(device, logged, CLOCK.here_at(logged.time))[0]
    )


def test_old_phones_tell_by_their_reports_alone():
    found = remembered.reported(dropbox.entries(DROPBOX), CLOCK, NOW - timedelta(hours=5))
    assert [(c.process, c.exception) for c in found] == [
        ("com.shop", "java.lang.IllegalStateException"),
        ("com.other", "java.lang.NullPointerException"),
    ]


@pytest.mark.parametrize(("method", "number", "same"), [("get", 11, True), ("put", 3, False)])
def test_anrs_are_told_apart_by_what_the_main_thread_was_doing(method: str, number: int, same: bool):
    def anr(method: str, number: int) -> Crash:
        reports = dropbox.entries(ANR_REPORT % (method, number))
        return remembered.crashes(exit_info.exits(EXITS), reports, CLOCK, NOW - timedelta(hours=5))[0]

    assert (anr("get", 3).key == anr(method, number).key) is same
    assert anr("get", 3).normal.splitlines() == [
        "ANR", "executing service com.shop/.Sync", "at com.shop.db.Rows.get", "at com.shop.Sync$$Lambda.run",
    ]  # fmt: skip
    assert not any("com.shop.Other" in line for line in anr("get", 3).stack)


# --- occurrences ------------------------------------------------------------------------------------------------------


def crash_of(kind: CrashKind, source: Source = Source.LOGCAT, pid: int = 7) -> Crash:
    return Crash(kind, "com.shop", pid, "10-05 21:00:00.000", None, "x", "", (), "n", "k", source)


def test_a_process_that_dies_near_a_full_hour_is_looked_for_on_both_sides():
    hour = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
    before = occurrences(UUID(int=1), crash_of(CrashKind.CRASH), hour - timedelta(seconds=1))
    after = occurrences(UUID(int=1), crash_of(CrashKind.CRASH, Source.EXIT_INFO), hour + timedelta(seconds=1))

    assert before[0] in after
    assert len(occurrences(UUID(int=1), crash_of(CrashKind.CRASH), hour + timedelta(minutes=30))) == 1


def test_an_anr_and_the_end_of_its_process_minutes_later_are_one_occurrence():
    told = occurrences(UUID(int=1), crash_of(CrashKind.ANR), NOW)
    ended = occurrences(UUID(int=1), crash_of(CrashKind.ANR, Source.EXIT_INFO), NOW + timedelta(minutes=8))

    assert told[0] in ended
    assert told[0] not in occurrences(UUID(int=1), crash_of(CrashKind.ANR, pid=8), NOW)


# --- native -----------------------------------------------------------------------------------------------------------


def test_a_native_crash_is_the_same_on_another_phone_and_another_one_is_not():
    one = native_stacks.normalise(tombstone())
    other = native_stacks.normalise(
        tombstone(
            release="14", pid="991", thread="12", address="7b2c1", offset="44", build="ab12", types="const char *"
        )
    )

    assert one == other
    assert one.splitlines() == [
        "SIGABRT",
        "at libc.so scudo::die",
        "at libgame.so Scene::draw",
        "at libgame.so+1f3c0",
        "at com.game.Render.frame",
        "at com.game.Render.run",
    ]
    assert native_stacks.normalise([line.replace("Scene::draw", "Scene::load") for line in tombstone()]) != one


def test_an_abort_of_the_system_alone_is_told_by_its_message_without_addresses():
    system = [line for line in tombstone() if "com.game" not in line.partition("pc ")[2]]
    normal = native_stacks.normalise(system)

    assert normal == native_stacks.normalise([line.replace("5ad0f", "11111") for line in system])
    assert normal.splitlines()[1].startswith("Scudo ERROR: invalid chunk state")


# --- clocks and logs --------------------------------------------------------------------------------------------------


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(-14 * 3600, 14 * 3600))  # noqa: DTZ001 - a phone's clock
def test_what_the_phone_logs_happened_here_when_its_clock_says(there: datetime, ahead_s: int):
    answer = there.strftime("%Y-%m-%d %H:%M:%S.123456789\n")
    here = there.replace(tzinfo=UTC) - timedelta(seconds=ahead_s)
    found = clock(answer, here, here + timedelta(milliseconds=20))
    assert found is not None
    logged = found.here_at(found.there.strftime("%m-%d %H:%M:%S.%f")[:-3])
    assert logged == here + timedelta(milliseconds=10)


def test_a_log_of_last_december_is_of_last_year():
    new_year = PhoneClock(datetime(2026, 1, 1, 0, 0, 5), NOW)  # noqa: DTZ001 - a phone's clock
    assert new_year.here_at("12-31 23:59:58.000") == NOW - timedelta(seconds=7)


def test_a_phone_without_fractions_of_seconds_is_read_to_the_second():
    found = clock("2026-10-05 21:00:00.%N", NOW, NOW)
    assert found is not None
    assert found.there.microsecond == 500_000
    assert clock("date: bad", NOW, NOW) is None


def test_two_hundred_lines_around_the_crash_are_kept():
    text = "".join(f"10-05 21:{at // 60:02d}:{at % 60:02d}.000  1  1 I x: line {at}\n" for at in range(1000))
    lines = around(text, "10-05 21:10:00.000").splitlines()

    assert len(lines) == 200
    assert lines[120].endswith("line 600")
    assert len(around("--------- beginning of main\n" + text[:200], "10-05 21:10:00.000").splitlines()) == 6


# --- which action -----------------------------------------------------------------------------------------------------


def test_a_crash_belongs_to_the_action_before_it_and_to_none_that_is_long_over():
    held = Attached(None, AdbTime())
    held.begun.extend([(NOW, "first"), (NOW + timedelta(seconds=10), "second")])

    assert held.last_before(NOW + timedelta(seconds=9)) == "first"
    assert held.last_before(NOW + timedelta(seconds=11)) == "second"
    assert held.last_before(NOW - timedelta(seconds=1)) is None
    assert held.last_before(NOW + timedelta(minutes=11)) is None
