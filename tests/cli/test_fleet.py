"""What the command makes of the fleet: lists, and the tasks of a group as they go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer

from contracts.orchestrator import RunStarted, TaskDropped
from contracts.values import RunStatus
from services.cli import fleet as listed
from services.cli.commands.devices import moment
from services.cli.group_progress import GroupProgress, evolve, told
from tests.orchestrator.fleets import asked, by, end, fleet, join, running
from tests.orchestrator.stories import BEGIN, recorded
from tests.orchestrator.test_fleet import device, finished, stop

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def test_a_list_of_phones_tells_who_has_which_and_for_whom_it_is_kept():
    story = join(fleet(), "a", "b", "c", pool="x")
    asked(story, kind="account", name="qa1", pool="shop")
    asked(story, kind="tag", serial="a", set={"rack": "3"})
    story.when(by("alice", "1", serial="a", account="shop"))
    asked(story, kind="quarantine", serial="b", why="电池")
    asked(story, kind="reserve", serial="c", user="bob", until=story.now + timedelta(hours=1), why="a bug")
    for number in range(3):
        story.when(by("carol", str(number), where=("rack=3",)))
    facts = listed.phone_facts(story.state, story.now)
    a, b, c = (facts[device(serial)] for serial in "abc")
    assert a["lease"] == {"user": "alice", "run": running(story)[0].run_id, "account": "qa1"}
    assert (a["own_tags"], a["waiting"], a["kept"]) == ({"rack": "3"}, 3, None)
    assert (b["kept"], b["waiting"]) == ("quarantine: 电池", 0)
    assert c["kept"].startswith("reserved for bob until")
    (account,) = listed.account_rows(story.state)
    assert (account["name"], account["run"]) == ("qa1", running(story)[0].run_id)


def test_a_list_of_tasks_is_in_the_order_of_their_turns():
    story = join(fleet(), "a")
    for user, number in (("alice", "1"), ("alice", "2"), ("bob", "1")):
        story.when(by(user, number))
    story.when(by("carol", "later", schedule_at=BEGIN + timedelta(days=1)))
    rows = listed.task_rows(story.state, story.now)
    assert [(row["by"], row["status"], row["place"]) for row in rows] == [
        ("alice", "RUNNING", None), ("bob", "QUEUED", 1), ("alice", "QUEUED", 2), ("carol", "QUEUED", None)
    ]  # fmt: skip


def test_the_tasks_of_a_group_are_told_together_until_all_are_over():
    story = join(fleet(), "a", "b")
    story.when(by("alice", "g", phones=3))
    runs = running(story)
    end(story, runs[0])
    story.when(stop("alice g"))
    group = story.all(RunStarted)[0].spec.group
    assert group is not None
    ends = [finished(runs[0]), finished(runs[1], RunStatus.CANCELLED)]
    progress, lines = GroupProgress(group), []
    for event in [*story.events, *story.all(RunStarted), *ends]:
        assert not progress.over
        lines.append(told(progress, recorded(event)))
        progress = evolve(progress, recorded(event))
    said = [line for line in lines if line is not None]
    assert said[0] == "3 tasks"
    assert any(line.startswith("a  ") and "succeeded" in line for line in said)
    assert progress.over
    assert sorted(row["status"] for row in progress.rows()) == ["CANCELLED", "CANCELLED", "SUCCEEDED"]
    assert sorted(str(row["serial"]) for row in progress.rows()) == ["None", "a", "b"]


def test_a_group_that_could_not_be_split_is_over_with_the_reason():
    story = fleet()
    story.when(by("alice", "g", phones="all"))
    dropped = story.last(TaskDropped)
    progress = evolve(GroupProgress(dropped.task_id), recorded(dropped))
    assert (progress.over, progress.dropped) == (True, "no phone is connected")


@pytest.mark.parametrize(
    ("text", "comes"),
    [
        ("30m", NOW + timedelta(minutes=30)),
        ("2h", NOW + timedelta(hours=2)),
        ("3d", NOW + timedelta(days=3)),
        ("2026-03-04T18:00+08:00", datetime(2026, 3, 4, 10, tzinfo=UTC)),
    ],
)
def test_a_time_to_come_is_a_span_or_a_date(text: str, comes: datetime):
    assert moment(text, NOW) == comes


@pytest.mark.parametrize("text", ["soon", "2 hours", "", "99999999d"])
def test_what_is_no_time_is_refused_in_words(text: str):
    with pytest.raises(typer.BadParameter, match="neither a time to come"):
        moment(text, NOW)
