from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.device_agent import presence
from services.device_agent.presence import Appeared, Lost, Presence, Ready, Reason, Reconnect, Rules

NET = "10.0.0.5:5555"
USB = "R58M123ABC"


class Story:
    """Tells a presence what happens and collects what it says."""

    def __init__(self, *configured: str) -> None:
        self.now_s = 100.0
        self.presence: Presence = presence.begun(Rules(), frozenset(configured), self.now_s)

    def lists(self, **states: str) -> list:
        return self.list({serial.replace("__", ":"): state for serial, state in states.items()})

    def list(self, states: dict[str, str] | None) -> list:
        self.presence, changes = presence.listed(self.presence, states, self.now_s)
        return changes

    def beat(self, serial: str, answered: bool = True) -> list:
        self.presence, changes = presence.beat(self.presence, serial, answered, self.now_s)
        return changes

    def wait(self, seconds: float, step_s: float = 0.25) -> list:
        changes = []
        for _ in range(int(seconds / step_s)):
            self.now_s += step_s
            self.presence, more = presence.passed(self.presence, self.now_s)
            changes += more
        return changes

    def with_ready(self, serial: str) -> Story:
        self.list({serial: "device"})
        self.beat(serial)
        return self


def test_phone_appears_and_is_ready_when_it_answers():
    story = Story()

    assert story.list({USB: "device"}) == [Appeared(USB)]
    assert story.presence.ready == frozenset()
    assert story.beat(USB) == [Ready(USB)]
    assert story.beat(USB) == []
    assert story.presence.ready == {USB}


def test_flapping_within_the_grace_changes_nothing():
    story = Story().with_ready(USB)
    for _ in range(10):
        assert story.list({USB: "offline"}) == []
        assert story.wait(1) == []
        assert story.list({USB: "device"}) == []
        assert story.beat(USB) == []


def test_phone_away_for_longer_is_lost_once_and_ready_again_when_it_returns():
    story = Story().with_ready(USB)
    story.list({})

    assert story.wait(10) == [Lost(USB, Reason.ABSENT)]
    assert story.list({USB: "device"}) == [Appeared(USB)]
    assert story.beat(USB) == [Ready(USB)]


def test_frozen_phone_is_lost_although_adb_calls_it_device():
    story = Story().with_ready(USB)
    story.beat(USB, answered=False)
    assert story.wait(1) == []
    story.beat(USB, answered=False)

    assert story.wait(1) == [Lost(USB, Reason.FROZEN)]
    assert USB in story.presence.to_beat
    assert story.list({USB: "device"}) == []
    assert story.presence.ready == frozenset()
    assert story.beat(USB) == [Ready(USB)]


def test_unauthorized_phone_is_told_of_once_with_what_to_do():
    story = Story()
    story.list({USB: "unauthorized"})
    (lost,) = story.wait(60)

    assert lost == Lost(USB, Reason.UNAUTHORIZED)
    assert "Allow USB debugging" in lost.advice


def test_changed_reason_is_told_again():
    story = Story().with_ready(USB)
    story.list({USB: "offline"})
    assert story.wait(4) == [Lost(USB, Reason.OFFLINE)]
    story.list({})

    assert story.wait(4) == [Lost(USB, Reason.ABSENT)]


def test_network_phone_is_connected_again_with_growing_pauses():
    story = Story().with_ready(NET)
    story.list({NET: "offline"})
    times = []
    for _ in range(800):
        times += [story.now_s for change in story.wait(0.25) if isinstance(change, Reconnect)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]

    assert times[0] - 100 <= 1.5
    assert pauses == sorted(pauses)
    assert max(pauses) <= 60.25
    assert len(times) > 5


def test_cable_is_not_connected_by_adb():
    story = Story().with_ready(USB)
    story.list({})

    assert not any(isinstance(change, Reconnect) for change in story.wait(30))


def test_configured_address_is_connected_at_once_and_never_given_up():
    story = Story(NET)

    assert Reconnect(NET) in story.wait(0.25)
    assert any(isinstance(change, Reconnect) for change in story.wait(2_000, step_s=1))
    story.wait(10_000, step_s=10)
    assert any(isinstance(change, Reconnect) for change in story.wait(100, step_s=1))


def test_phone_that_somebody_took_away_is_forgotten():
    story = Story().with_ready(NET)
    story.list({})
    story.wait(1_000, step_s=1)

    assert story.presence.phones == {}
    assert story.wait(200, step_s=1) == []


def test_adb_server_that_dies_loses_every_phone_and_brings_them_back():
    story = Story().with_ready(USB)
    story.list(None)
    assert story.wait(4) == [Lost(USB, Reason.SERVER_GONE)]

    assert story.list({USB: "device"}) == [Appeared(USB)]
    assert story.beat(USB) == [Ready(USB)]


EVENTS = st.one_of(
    st.sampled_from(["device", "offline", "unauthorized", "gone", "recovery"]).map(lambda state: ("list", state)),
    st.booleans().map(lambda answered: ("beat", answered)),
    st.floats(0.25, 8).map(lambda seconds: ("wait", seconds)),
)


@given(st.lists(EVENTS, max_size=40))
def test_what_is_told_always_makes_sense(events):
    story, ready, told = Story(), False, []
    for what, value in events:
        match what:
            case "list":
                changes = story.list({} if value == "gone" else {USB: value})
            case "beat":
                changes = story.beat(USB, value)
            case _:
                changes = story.wait(value)
        for change in changes:
            if isinstance(change, Ready):
                assert not ready
                ready = True
            elif isinstance(change, Lost):
                assert not told or told[-1] != change
                ready = False
            told.append(change)
        assert (USB in story.presence.ready) is ready
