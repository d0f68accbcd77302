from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.device_agent import fence
from services.device_agent.fence import Attempt, Verdict
from services.device_agent.shell import command
from tests.device_agent.real_shell import RealShell

TAP = "input tap 10 20"


def test_first_action_of_a_phone_reaches_it(real_shell):
    done = real_shell.act(TAP, token=3, number=1)

    assert done.verdict is Verdict.DONE
    assert real_shell.calls() == [["tap", "10", "20"]]
    assert Path(real_shell.fence_file).read_text() == "3 1\n"


def test_redelivered_action_reaches_the_phone_once(real_shell):
    real_shell.act(TAP, 3, 1)
    again = real_shell.act(TAP, 3, 1)

    assert again.verdict is Verdict.DUPLICATE
    assert not again.attempted
    assert len(real_shell.calls()) == 1


def test_earlier_action_of_the_same_lease_is_not_done_after_a_later_one(real_shell):
    real_shell.act(TAP, 3, 5)

    assert real_shell.act(TAP, 3, 4).verdict is Verdict.DUPLICATE
    assert len(real_shell.calls()) == 1


def test_stale_lease_is_refused_and_told_so(real_shell):
    real_shell.act(TAP, 4, 1)
    stale = real_shell.act(TAP, 3, 9)

    assert stale.verdict is Verdict.STALE
    assert "4 1" in stale.text
    assert len(real_shell.calls()) == 1


def test_new_lease_begins_its_numbers_anew(real_shell):
    real_shell.act(TAP, 3, 50)

    assert real_shell.act(TAP, 4, 0).verdict is Verdict.DONE


def through(real_shell, script: str) -> fence.Outcome:
    done = real_shell.run(script)
    return fence.outcome(done.returncode, done.stdout, done.stderr)


def test_a_lease_is_opened_as_often_as_one_likes_and_keeps_its_numbers(real_shell):
    real_shell.act(TAP, 3, 5)
    opened = [through(real_shell, fence.opened("echo hi", 3, real_shell.fence_file)) for _ in range(2)]

    assert [(o.verdict, o.text) for o in opened] == [(Verdict.DONE, "hi")] * 2
    assert Path(real_shell.fence_file).read_text() == "3 5\n"
    assert through(real_shell, fence.opened("true", 4, real_shell.fence_file)).verdict is Verdict.DONE
    assert real_shell.act(TAP, 3, 6).verdict is Verdict.STALE
    assert real_shell.act(TAP, 4, 1).verdict is Verdict.DONE


def test_nothing_of_a_closed_lease_is_let_through(real_shell):
    real_shell.act(TAP, 3, 5)
    closed = through(real_shell, fence.closed("echo over", 3, real_shell.fence_file))

    assert (closed.verdict, closed.text) == (Verdict.DONE, "over")
    assert through(real_shell, fence.closed("echo over", 3, real_shell.fence_file)).verdict is Verdict.DONE
    assert real_shell.act(TAP, 3, 6).verdict is Verdict.DUPLICATE
    assert through(real_shell, fence.opened("true", 3, real_shell.fence_file)).verdict is Verdict.STALE
    assert real_shell.act(TAP, 4, 1).verdict is Verdict.DONE
    assert through(real_shell, fence.closed("echo over", 3, real_shell.fence_file)).verdict is Verdict.STALE
    assert len(real_shell.calls()) == 2


def test_failed_command_counts_as_attempted_and_keeps_its_exit_code_and_words(real_shell):
    real_shell.fake("input", "#!/bin/sh\necho java.lang.SecurityException >&2\nexit 91\n")
    failed = real_shell.act(TAP, 3, 1)

    assert (failed.verdict, failed.rc, failed.text) == (Verdict.FAILED, 91, "java.lang.SecurityException")
    assert real_shell.act(TAP, 3, 1).verdict is Verdict.DUPLICATE


def test_action_that_prints_the_words_of_a_refusal_is_not_mistaken_for_one(real_shell):
    done = real_shell.act("echo waymark-fence: stale 9 9", 3, 1)

    assert (done.verdict, done.text) == (Verdict.DONE, "waymark-fence: stale 9 9")


def test_attempt_is_recorded_and_synced_before_the_phone_is_touched(real_shell):
    real_shell.fake("input", f'#!/bin/sh\ncat {real_shell.fence_file}; [ -s "$CALLS" ] && echo synced\n')

    assert real_shell.act(TAP, 3, 7).text == "3 7\nsynced"


def test_after_a_crash_the_file_tells_what_was_attempted(real_shell):
    assert real_shell.attempted(3, 1) is Attempt.NOT_ATTEMPTED
    real_shell.act(TAP, 3, 1)
    assert real_shell.attempted(3, 1) is Attempt.ATTEMPTED
    assert real_shell.attempted(3, 2) is Attempt.NOT_ATTEMPTED
    assert real_shell.attempted(4, 1) is Attempt.NOT_ATTEMPTED
    assert real_shell.attempted(2, 1) is Attempt.UNKNOWN


@pytest.mark.parametrize("content", ["", "x", "3", "3 x\n", "-1 2\n", "3 1 1\n", "3\n1\n", "a b\n"])
def test_damaged_file_lets_nothing_pass_and_says_what_to_do(real_shell, content):
    Path(real_shell.fence_file).write_text(content)
    done = real_shell.act(TAP, 9, 9)

    assert done.verdict is Verdict.BROKEN
    assert "adb shell rm" in done.text
    assert real_shell.calls() == []
    assert real_shell.attempted(9, 9) is Attempt.UNKNOWN


def test_unwritable_file_lets_nothing_pass(real_shell):
    real_shell.fake("mv", "#!/bin/sh\nexit 1\n")

    assert real_shell.act(TAP, 3, 1).verdict is Verdict.BROKEN
    assert real_shell.calls() == []
    assert not Path(real_shell.fence_file + ".lock").exists()


def test_lock_of_a_killed_call_is_waited_for_and_can_be_removed(real_shell, monkeypatch):
    monkeypatch.setattr(fence, "LOCK_TRIES", 2)
    Path(real_shell.fence_file + ".lock").mkdir()

    assert real_shell.act(TAP, 3, 1).verdict is Verdict.BUSY
    assert real_shell.attempted(3, 1) is Attempt.NOT_ATTEMPTED
    assert real_shell.run(fence.unlock(real_shell.fence_file)).returncode == 0
    assert real_shell.act(TAP, 3, 1).verdict is Verdict.DONE


def test_calls_at_the_same_moment_pass_once(real_shell):
    racers = [real_shell.start(fence.fenced(TAP, 3, 1, real_shell.fence_file)) for _ in range(6)]
    codes = sorted(racer.wait(20) for racer in racers)
    for racer in racers:
        racer.communicate()

    assert codes == [0, 92, 92, 92, 92, 92]
    assert len(real_shell.calls()) == 1


def test_silence_of_the_phone_is_no_outcome_of_the_action():
    assert fence.outcome(127, b"", b"sh: not found").verdict is Verdict.BROKEN


@pytest.mark.parametrize(("token", "number"), [(-1, 0), (0, -1), (2**31, 0), (0, 2**31), (True, 1), ("1; reboot", 1)])
def test_numbers_that_the_phone_cannot_compare_are_refused(token, number):
    with pytest.raises(ValueError, match="whole number"):
        fence.fenced(TAP, token, number)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80))
def test_any_text_reaches_the_command_unchanged(tmp_path_factory, text):
    shell = RealShell(tmp_path_factory.mktemp("phone"))

    assert shell.act(command("input", "text", text), 1, 1).verdict is Verdict.DONE
    assert shell.calls() == [["text", text]]


def test_nul_is_refused_with_a_reason():
    with pytest.raises(ValueError, match="NUL"):
        command("input", "text", "a\0b")


class FenceAgainstModel(RuleBasedStateMachine):
    """Any order of tokens and numbers: what passes is what a person with a list of attempts would let pass."""

    folders: ClassVar[list[Path]] = []

    def __init__(self) -> None:
        super().__init__()
        self.shell = RealShell(self.folders.pop())
        self.newest = (0, 0)
        self.passed: list[tuple[int, int]] = []

    @rule(token=st.integers(1, 3), number=st.integers(1, 4))
    def act(self, token: int, number: int) -> None:
        verdict = self.shell.act(f"input tap {token} {number}", token, number).verdict
        if token < self.newest[0]:
            assert verdict is Verdict.STALE
        elif (token, number) <= self.newest:
            assert verdict is Verdict.DUPLICATE
        else:
            assert verdict is Verdict.DONE
            self.newest = (token, number)
            self.passed.append((token, number))

    @invariant()
    def phone_was_touched_in_rising_order(self) -> None:
        assert [(int(call[1]), int(call[2])) for call in self.shell.calls()] == self.passed


@pytest.mark.thorough
def test_fence_agrees_with_its_model(tmp_path_factory):
    FenceAgainstModel.folders = [tmp_path_factory.mktemp("phone") for _ in range(60)]
    FenceAgainstModel.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
    FenceAgainstModel.TestCase("runTest").runTest()
