"""The same task on ten phones at once: nothing gets mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.values import RunStatus
from deploy.embedded.platform import Platform
from tests.system.exploring import caught_up, rows
from tests.system.referee import assert_sound
from tests.system.tasking import Beside, begin, configure, deeds, ended, phones, texts, touches
from tests.tasks import buying
from tests.tasks.moves import touching
from tests.tasks.playing import Play, PlayingModel
from tests.tasks.speech import GRAMMARS

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

_PHONES = 10
_NAMES = ("李伟", "王芳", "张敏", "刘洋", "陈静", "杨帆", "赵磊", "黄丽", "周杰", "吴倩")


async def test_ten_phones_at_once_do_each_what_their_own_goal_says(tmp_path: Path) -> None:
    async with (
        Platform(tmp_path, phones=phones("version_1", _PHONES)) as platform,
        PlayingModel(platform.control) as model,
    ):
        await configure(platform, model)
        plays = [
            Play(buying.goal(who), buying.moves(who, f"2026-12-{10 + at}"), GRAMMARS[at % len(GRAMMARS)], at)
            for at, who in enumerate(_NAMES)
        ]
        ids = [await begin(platform, model, play) for play in plays]
        for play, task, who in zip(plays, ids, _NAMES, strict=True):
            run = await ended(platform, task, limit_s=180)
            assert run.status is RunStatus.SUCCEEDED, (who, run.failure_reason, play.missing)
            touched = await touches(platform, play.phone)
            assert deeds(touched) == touching(play.moves), who
            assert texts(touched) == buying.typed(who, f"2026-12-{10 + play.phone}")
        await caught_up(platform)
        kept = await rows(platform, "SELECT task_id, task_description FROM autoglm.tasks")
        assert {row["task_id"]: row["task_description"] for row in kept} == {
            str(task): play.goal for task, play in zip(ids, plays, strict=True)
        }
        await assert_sound(platform, Beside(model))
