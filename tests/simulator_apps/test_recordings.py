"""Recordings: the state shown is the recorded one, a gesture follows the recorded edge."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image

from deploy.simulator import recordings
from deploy.simulator.recordings import reachable
from tests import recorded
from tests.recorded import CORPUS
from tests.simulator_apps.driving import bounds

YELP, ALBUM = recorded.YELP.folder, recorded.ALBUM.folder

pytestmark = recorded.needs_corpus


class Player:
    """A recorded phone with its clock."""

    def __init__(self, folder: Path, seed: int = 0):
        self.world = recordings.load(folder, seed)
        self.now_s = 50.0
        assert self.world.launch(self.world.recording.package, None, self.now_s)

    def nodes(self):
        root = etree.fromstring(self.world.surface(self.now_s).hierarchy.encode())
        return list(root.iter("node"))

    def tap(self, text: str):
        node = next(n for n in self.nodes() if text in (n.get("text"), n.get("resource-id").rpartition("/")[2]))
        left, top, right, bottom = bounds(node)
        self.now_s += 0.1
        self.world.tap((left + right) // 2, (top + bottom) // 2, self.now_s)
        return self

    def key(self, code: str):
        self.world.key(code, self.now_s)
        return self

    @property
    def activity(self) -> str:
        return self.world.surface(self.now_s).activity.rpartition(".")[2]


def _searching() -> Player:
    player = Player(YELP).tap("Yes, turn it on").tap("I'm New").tap("Sign up with Facebook")
    player.now_s += 1.01
    assert player.activity == "SearchBusinessesByList"
    return player


def test_yelp_is_reachable_as_a_whole_and_four_states_where_time_stands_still():
    report = reachable.report(recordings.read(YELP))
    assert (report["states"], report["reachable_count"], report["reachable_without_timed_count"]) == (16, 16, 4)
    assert report["state_gesture_pairs"] == 285
    assert [len(targets) for targets in report["timed"].values()] == [1]


def test_album_is_reachable_as_a_whole():
    report = reachable.report(recordings.read(ALBUM))
    assert (report["states"], report["reachable_count"], report["state_gesture_pairs"]) == (21, 21, 290)
    assert report["timed"] == {}


@pytest.mark.parametrize("app", recorded.APPS)
def test_the_generated_file_lists_what_can_be_reached_today(app):
    assert app.generated.read_text() == reachable.text(recordings.read(app.folder)), "run `make reachable`"


def test_the_command_writes_one_file_a_recording(tmp_path):
    assert reachable.main(["--into", str(tmp_path), str(YELP), str(ALBUM)]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        app.generated.name: app.generated.read_bytes() for app in (recorded.YELP, recorded.ALBUM)
    }


def test_the_command_prints_the_report_and_refuses_what_is_no_recording(capsys, tmp_path):
    assert reachable.main([str(ALBUM)]) == 0
    assert json.loads(capsys.readouterr().out)["package"] == "com.yanzhenjie.album.sample"
    assert reachable.main([str(tmp_path)]) == 2
    assert "needs utg.js" in capsys.readouterr().err


@pytest.mark.parametrize("folder", [YELP, ALBUM], ids=["yelp", "album"])
def test_every_edge_of_the_graph_is_a_move_or_timed(folder):
    recording = recordings.read(folder)
    text = (folder / "utg.js").read_text()
    edges = {(e["from"], e["to"]) for e in json.loads(text[text.index("{") :].rstrip().rstrip(";"))["edges"]}
    played = {(move[0], to) for move, targets in recording.moves.items() for to in targets if to != move[0]}
    timed = {(source, to) for source, targets in recording.timed.items() for to in targets}
    assert played | timed == edges
    assert not played & timed


@pytest.mark.parametrize("folder", [YELP, ALBUM], ids=["yelp", "album"])
def test_a_finger_on_the_middle_of_each_recorded_node_follows_its_edge(folder):
    player = Player(folder)
    reach = {"LEFT": (-300, 0), "RIGHT": (300, 0), "UP": (0, -300), "DOWN": (0, 300)}
    followed = 0
    for (name, gesture), targets in player.world.recording.moves.items():
        if gesture.kind not in ("tap", "hold", "scroll"):
            continue
        player.world._arrive(name, player.now_s)
        left, top, right, bottom = dict(player.world.recording.states[name].walk())[gesture.node].bounds
        x, y = (left + right) // 2, (top + bottom) // 2
        match gesture.kind:
            case "tap":
                player.world.tap(x, y, player.now_s)
            case "hold":
                player.world.long_press(x, y, player.now_s)
            case "scroll":
                dx, dy = reach[gesture.detail]
                player.world.swipe(x, y, x - dx, y - dy, 300, player.now_s)
        assert player.world.state in targets
        followed += 1
    assert followed > 25
    assert player.world.unrecorded == []


@pytest.mark.parametrize("folder", [YELP, ALBUM], ids=["yelp", "album"])
def test_a_hierarchy_holds_no_invisible_node_and_no_box_outside_the_screen(folder):
    recording = recordings.read(folder)
    for path in sorted((folder / "states").glob("*.json")):
        raw = json.loads(path.read_text())
        visible = Counter(view["class"] for view in raw["views"] if view["visible"])
        shown = Counter()
        for _, node in recording.states[raw["state_str"]].walk():
            shown[node.class_name] += 1
            left, top, right, bottom = node.bounds
            assert 0 <= left < right <= 1440
            assert 0 <= top < bottom <= 2560
        assert shown
        assert not shown - visible


def test_a_loading_state_turns_into_its_target_as_time_passes_and_not_by_a_tap():
    player = Player(YELP).tap("Yes, turn it on").tap("I'm New").tap("Sign up with Facebook")
    loading = player.world.state
    player.tap("Signing up…")
    assert player.world.state == loading
    assert player.world.unrecorded[-1].state == loading
    player.now_s += 0.95
    assert player.activity == "SearchBusinessesByList"


def test_an_unrecorded_gesture_leaves_the_state_and_is_noted():
    player = Player(YELP)
    before = player.world.surface(player.now_s).hierarchy
    assert player.world.surface(player.now_s).state == player.world.state != ""
    player.world.tap(700, 300, player.now_s)
    player.world.swipe(700, 2000, 700, 500, 300, player.now_s)
    player.world.type_text("hello", player.now_s)
    assert player.world.surface(player.now_s).hierarchy == before
    assert [each.gesture.kind for each in player.world.unrecorded] == ["tap", "scroll", "key"]


def test_back_without_a_recorded_edge_shows_the_activity_below_and_then_the_home_screen():
    player = Player(YELP).tap("Yes, turn it on").tap("I'm New")
    assert player.activity == "ActivityCreateAccount"
    assert player.key("BACK").activity == "ActivitySplashLogin"
    player.key("BACK")
    assert player.world.surface(player.now_s).package == "com.waymark.sim.launcher"
    before = player.world.surface(player.now_s)
    assert player.key("BACK").world.surface(player.now_s) == before
    assert player.world.unrecorded == []


def test_a_recorded_back_goes_where_it_went():
    player = Player(ALBUM)
    player.key("BACK")
    assert player.world.surface(player.now_s).package == "com.sec.android.app.easylauncher"
    assert player.key("BACK").activity == "Launcher"
    assert player.world.launch("com.yanzhenjie.album.sample", "com.yanzhenjie.album.sample.MainActivity", 60.0)
    assert player.activity == "MainActivity"


def test_home_keeps_the_app_and_force_stop_forgets_where_it_was():
    player = _searching().key("HOME")
    player.world.launch("com.yelp.android", None, player.now_s)
    assert player.activity == "SearchBusinessesByList"
    player.world.force_stop("com.yelp.android", player.now_s)
    assert player.world.state == ""
    player.world.launch("com.yelp.android", None, player.now_s)
    assert player.activity == "ActivityBackgroundLocationOptIn"


def test_the_icon_of_the_built_in_home_screen_starts_the_app():
    player = Player(YELP).key("HOME")
    assert player.tap("Android").activity == "ActivityBackgroundLocationOptIn"


def test_several_targets_of_one_gesture_take_turns():
    recording = recordings.read(ALBUM)
    (name, gesture), targets = next((move, each) for move, each in recording.moves.items() if len(each) > 1)
    assert len(targets) == 2
    node = dict(recording.states[name].walk())[gesture.node]
    left, top, right, bottom = node.bounds
    for seed in (0, 1):
        player = Player(ALBUM, seed)
        led = []
        for _ in range(4):
            player.world._arrive(name, player.now_s)
            player.world.tap((left + right) // 2, (top + bottom) // 2, player.now_s)
            led.append(player.world.state)
        assert led == [*targets, *targets] if seed == 0 else led == [*targets[::-1], *targets[::-1]]


def test_a_scroll_follows_the_direction_of_the_content():
    player = Player(ALBUM)
    states = {
        next(n.text for _, n in s.walk() if n.text.endswith("/ 181")): s.name
        for s in player.world.recording.states.values()
        if any(n.text.endswith("/ 181") for _, n in s.walk())
    }
    player.world._arrive(states["13 / 181"], player.now_s)
    player.world.swipe(300, 1300, 1100, 1300, 200, player.now_s)
    assert player.world.state == states["12 / 181"]
    player.world.swipe(1100, 1300, 300, 1300, 200, player.now_s)
    assert player.world.state == states["13 / 181"]


def test_a_picture_is_a_png_of_the_recorded_jpeg_in_the_size_of_the_bounds():
    player = Player(YELP)
    data = player.world.picture(player.now_s)
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("PNG", (1440, 2560))
    assert (player.world.width, player.world.height) == (1440, 2560)
    with Image.open(player.world.recording.states[player.world.state].picture) as recorded:
        assert recorded.format == "JPEG"
        assert recorded.convert("RGB").tobytes() == image.tobytes()
    assert data == Player(YELP).world.picture(50.0)


def test_the_app_is_told_as_its_dumpsys_does():
    own, *others = Player(ALBUM).world.apps()
    assert (own.package, own.version_name, own.version_code) == ("com.yanzhenjie.album.sample", "1.1", 11)
    assert own.activities[0] == "com.yanzhenjie.album.sample.MainActivity"
    assert "com.yanzhenjie.album.AlbumActivity" in own.activities
    assert {each.package for each in others} == {"com.sec.android.app.easylauncher", "com.sec.android.app.camera"}


def test_other_apps_and_activities_do_not_start():
    world = Player(YELP).world
    assert not world.launch("com.sec.android.app.camera", None, 1.0)
    assert not world.launch("com.yelp.android", ".ui.activities.nearby.ActivityNearby", 1.0)
    assert not world.deep_link("yelp://x", None, 1.0)
    assert world.install(b"", 1.0).startswith("Failure [INSTALL_FAILED_INVALID_APK")


def test_a_trace_of_xml_and_pictures_shows_its_steps_one_after_the_other():
    folder = next((CORPUS / "mobilegptsys_MobileGPT" / "log").glob("*/searchEvent/*"))
    world = recordings.load(folder, 0)
    world.launch("com.simplemobiletools.calendar", None, 10.0)
    assert (world.width, world.height) == (1080, 2400)
    for at, now_s in enumerate((10.5, 11.5, 12.5, 99.0)):
        root = etree.fromstring(world.surface(now_s).hierarchy.encode())
        assert {node.get("package") for node in root.iter("node")} == {"com.simplemobiletools.calendar"}
        assert world.state == str(min(at, 2))


def test_a_folder_with_a_missing_picture_is_refused_by_name(tmp_path):
    (tmp_path / "states").mkdir()
    (tmp_path / "events").mkdir()
    (tmp_path / "utg.js").write_text((ALBUM / "utg.js").read_text())
    for path in (ALBUM / "states").glob("*.json"):
        (tmp_path / "states" / path.name).write_text(path.read_text())
    pictures = sorted((ALBUM / "states").glob("*.png"))
    for path in pictures[1:]:
        (tmp_path / "states" / path.name).symlink_to(path)
    with pytest.raises(ValueError, match=pictures[0].name):
        recordings.load(tmp_path, 0)
