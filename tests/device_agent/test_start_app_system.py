"""Apps that are started by what people call them, on every Android."""

from __future__ import annotations

import pytest

from contracts.values import Navigate, StartApp
from deploy.simulator.apps.catalog import apk
from services.device_agent.apps.asking import batches
from services.device_agent.apps.labels import Labels
from services.device_agent.apps.naming import Unnamed, choose
from services.device_agent.performing import Result
from tests.device_agent import worlds
from tests.device_agent.driving import DEMO, Driven
from tests.device_agent.worlds import TestWorld, playing

pytestmark = pytest.mark.system

SETTINGS, BROWSER = "com.android.settings", "com.waymark.sim.browser"
ANDROIDS = [23, 24, 28, 30, 33, 35]


async def front(d: Driven, app: str) -> str:
    outcome = await d.do(StartApp(app=app))
    assert outcome.performed.result is Result.DONE, outcome.performed
    return outcome.capture.foreground.package


@pytest.mark.parametrize("api", ANDROIDS)
async def test_an_app_is_started_by_its_label_in_any_of_its_languages_and_by_its_package(drive, api):
    async with drive("demo@1", api) as d:
        assert await front(d, "设置") == SETTINGS
        assert await front(d, "路标演示") == DEMO
        assert await front(d, " settings") == SETTINGS
        assert await front(d, "Ｗａｙｍａｒｋ　ＤＥＭＯ") == DEMO, "the beginning of its label, in full width"
        assert await front(d, "Einstellungen") == SETTINGS
        assert await front(d, "浏览") == BROWSER
        assert await front(d, DEMO) == DEMO


@pytest.mark.parametrize("api", [23, 33])
async def test_what_no_app_is_called_is_told_with_what_comes_nearest_and_nothing_is_started(drive, api):
    async with drive("demo@1", api) as d:
        await d.do(Navigate(to="HOME"))
        outcome = await d.do(StartApp(app="Setings"))

        assert outcome.performed.result is Result.NOT_FOUND
        assert 'no app of this phone is called "Setings"; nearest: Settings (com.android.settings)' in (
            outcome.performed.reason
        )
        assert outcome.capture is not None
        assert "am start" not in await d.commands()


async def test_what_fits_several_apps_equally_well_starts_none(drive):
    async with drive(playing(worlds.Named)) as d:
        outcome = await d.do(StartApp(app="Mail"))

        assert outcome.performed.result is Result.NOT_FOUND
        assert '"Mail" may be any of Mail (com.test), Mail (com.other): give the package' in outcome.performed.reason
        assert (await d.do(StartApp(app="com.test"))).performed.result is Result.DONE


async def test_a_fixed_label_is_told_by_the_phone_itself(drive):
    async with drive(playing(TestWorld)) as d:
        outcome = await d.do(StartApp(app="测试"))

        assert outcome.performed.result is Result.DONE
        assert outcome.capture.foreground.activity == worlds.MAIN
        assert outcome.declared_activities[:1] == (worlds.MAIN,)


@pytest.mark.parametrize("api", [23, 33])
async def test_labels_are_read_once_for_each_version_of_an_app(drive, api):
    async with drive("demo@1", api) as d:
        await front(d, "路标演示")
        assert "part of a file" in d.bench.names()
        d.bench.calls.clear()
        await front(d, "设置")
        assert "part of a file" not in d.bench.names(), "what was read is kept"

        await d.bench.client.push(d.bench.serial, apk("demo", "2"), "/data/local/tmp/new.apk")
        answer = await d.attached.phone.shell("pm install -r /data/local/tmp/new.apk", 10, "install")
        assert "Success" in answer.text
        await front(d, "路标演示")
        assert d.bench.names().count("part of a file") == 1, "of one app only"


async def test_what_there_was_no_time_for_is_counted_and_read_the_next_time(drive):
    async with drive("demo@1") as d:
        labels = Labels()
        hurried = await labels.listing(d.attached.phone, 0.0)
        assert (hurried.apps, hurried.late) == ((), 3)
        assert isinstance(choose("设置", hurried.apps, hurried.language, exact=True), Unnamed)

        whole = await labels.listing(d.attached.phone, 10.0)
        assert (whole.late, whole.language) == (0, "en-US")
        assert [app.label("zh-CN") for app in whole.apps] == ["设置", "浏览器", "路标演示"]


async def test_a_start_that_was_made_is_not_repeated(drive):
    async with drive("demo@1") as d:
        await d.do(StartApp(app="设置"))
        again = await d.again()

        assert again.performed.result is Result.DUPLICATE


def test_paths_are_asked_for_as_many_at_a_time_as_fit_a_command():
    paths = [f"/data/app/com.example{number}/base.apk" for number in range(100)]
    some = list(batches(paths, 1_000))
    assert [path for batch in some for path in batch] == paths
    assert max(len(" ".join(batch)) for batch in some) <= 1_000
