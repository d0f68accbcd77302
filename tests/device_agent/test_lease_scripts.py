"""The scripts of a lease in a real shell, with real files, killed for real; and the note that they leave."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_agent import fence
from services.device_agent.fence import Verdict
from services.device_agent.lease import note, preparing, restoring
from services.device_agent.lease.note import ENABLED_IMES, IME, KEPT, WANTED, DamagedNoteError, Note
from tests.device_agent.real_shell import RECORDER, RealShell

pytestmark = pytest.mark.thorough

OWN = {name: "1.0" if "scale" in name else "1" for name in WANTED} | {
    "global/stay_on_while_plugged_in": None,
    IME: "com.own/.Keyboard",
    ENABLED_IMES: "com.own/.Keyboard",
}
SETTINGS = """#!/bin/sh
sleep 0.01
f={folder}/settings/$2.$3
case $1 in
get) if [ -e $f ]; then cat $f; else echo null; fi;;
put) printf '%s\\n' "$4" > $f;;
delete) rm -f $f; echo "Deleted 1 rows";;
esac
"""


class Android(RealShell):
    """A shell with Android's settings in files, and a note and a fence in this test's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, fakes=("input", "sync", "am", "wm"))
        (folder / "settings").mkdir()
        self.set(OWN)
        self.fake("settings", SETTINGS.format(folder=folder))
        self.fake("ime", RECORDER)
        self.fake("dumpsys", '#!/bin/sh\necho "mWakefulness=Awake"; echo "  level: 80"\n')
        self.fake("df", "#!/bin/sh\necho /dev/x 1000000 1 900000 1% /data\n")

    def set(self, values: dict[str, str | None]) -> None:
        for name, value in values.items():
            path = self.folder / "settings" / name.replace("/", ".")
            path.unlink(missing_ok=True)
            if value is not None:
                path.write_text(value + "\n")

    def values(self) -> dict[str, str | None]:
        found = {}
        for name in (*WANTED, *KEPT):
            path = self.folder / "settings" / name.replace("/", ".")
            found[name] = path.read_text().strip() if path.exists() else None
        return found

    def here(self, script: str) -> str:
        """The script as it is for this test's folder."""
        return script.replace("/data/local/tmp", str(self.folder))

    def do(self, script: str) -> fence.Outcome:
        """As `Phone.fenced` does it: a lock whose holder cannot be known is overcome once."""
        outcome = self._do(script)
        if outcome.verdict is Verdict.BUSY:
            self.run(self.here(f"{fence.unlock()}; {note.unlock()}"))
            outcome = self._do(script)
        return outcome

    def _do(self, script: str) -> fence.Outcome:
        done = self.run(self.here(script))
        return fence.outcome(done.returncode, done.stdout, done.stderr)

    def end(self, token: int) -> None:
        found = note.parse(self.do(restoring.end(token)).text)
        if found is not None:
            assert self.do(restoring.restore(found, token, late=False)).verdict is Verdict.DONE


@pytest.fixture
def android(tmp_path: Path) -> Android:
    return Android(tmp_path)


def test_a_real_shell_prepares_and_restores(android: Android) -> None:
    prepared = preparing.prepared(android.do(preparing.prepare(7, (1080, 1920))).text)
    changed = android.values()

    assert prepared.note.found == OWN
    assert {name: changed[name] for name in WANTED} == WANTED
    android.end(7)
    assert android.values() == OWN
    assert sorted(path.name for path in android.folder.glob("waymark.*")) == ["waymark.fence"]


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4])
def test_a_script_that_is_killed_for_real_leaves_what_can_be_put_back(android: Android, after_s: float) -> None:
    running = android.start(android.here(preparing.prepare(7, (1080, 1920))))
    time.sleep(after_s)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    android.end(7)

    assert android.values() == OWN
    assert android.do(preparing.prepare(7, (1080, 1920))).verdict is Verdict.STALE


def test_a_script_that_died_before_it_named_itself_holds_nobody_back(android: Android) -> None:
    (android.folder / "waymark.lease.lock").mkdir()
    preparing.prepared(android.do(preparing.prepare(7, (1080, 1920))).text)
    (android.folder / "waymark.lease.lock").mkdir()
    android.end(7)

    assert android.values() == OWN


def test_restoring_waits_for_a_preparation_that_goes_on(android: Android) -> None:
    """The agent that began it was killed; its script was not."""
    running = android.start(android.here(preparing.prepare(7, (1080, 1920))))
    while not (android.folder / "waymark.lease.lock" / "pid").exists():
        assert running.poll() is None
        time.sleep(0.002)
    android.end(7)
    running.communicate()

    assert android.values() == OWN


def test_values_that_cannot_be_noted_are_not_changed(android: Android) -> None:
    odd = OWN | {"global/window_animation_scale": "1 0"}
    android.set(odd)
    outcome = android.do(preparing.prepare(7, (1080, 1920)))

    with pytest.raises(preparing.UnpreparedError, match="cannot be noted"):
        preparing.prepared(outcome.text)
    assert android.values() == odd


KEYBOARDS = st.from_regex(r"[a-z]+(\.[a-z]+)+/(\.[A-Z][A-Za-z$]+)", fullmatch=True)
VALUES = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(st.integers(0, 2**31 - 1), st.dictionaries(st.sampled_from(sorted(WANTED)), VALUES), KEYBOARDS)
def test_a_note_is_read_as_it_was_written(token: int, values: dict[str, str | None], keyboard: str) -> None:
    values = {name: None if value == "null" else value for name, value in values.items()}
    lines = [f"{name}={'null' if value is None else value}" for name, value in (values | {IME: keyboard}).items()]
    text = "\n".join([f"token={token}", *lines, "end", ""])

    assert note.parse(text) == Note(token, values | {IME: keyboard})
    assert note.parse(text.replace("\n", "\r\n")) == note.parse(text)


@given(st.integers(1, 60))
def test_a_note_that_was_cut_off_is_never_believed(length: int) -> None:
    text = "token=7\nglobal/window_animation_scale=1.0\nsystem/user_rotation=null\nend\n"
    with pytest.raises(DamagedNoteError, match="is damaged"):
        note.parse(text[: len(text) - 2 - length] or "x")


def test_no_note_is_no_damage() -> None:
    assert note.parse("") is None


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("value", ["a=b", "*", "it's", "$HOME", '"', "`id`", "1.0;2", "-1"])
def test_any_value_that_can_be_noted_comes_back_as_it_was(android: Android, value: str, late: bool) -> None:
    own = OWN | {"global/window_animation_scale": value, "system/user_rotation": None}
    android.set(own)
    prepared = preparing.prepared(android.do(preparing.prepare(7, None)).text)
    outcome = android.do(restoring.restore(prepared.note, 7, late=late))

    assert restoring.restored(prepared.note, outcome.text).failed == {}
    assert android.values() == own
