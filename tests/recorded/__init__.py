"""Two recorded apps, and what an explorer can reach of them: the JSON files here, which `make reachable` writes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from deploy.simulator import recordings

HERE = Path(__file__).parent
CORPUS = Path(os.environ.get("WAYMARK_CORPUS", HERE.parents[1].parent / "shared" / "corpus"))
DROIDBOT = CORPUS / "honeynet_droidbot"

needs_corpus = pytest.mark.skipif(not DROIDBOT.is_dir(), reason=f"no corpus in {CORPUS}: set WAYMARK_CORPUS to it")


@dataclass(frozen=True)
class App:
    """A recorded app. `further` are the packages that count as inside it."""

    package: str
    further: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return DROIDBOT / f"report_{self.package}"

    @property
    def recording(self) -> recordings.Recording:
        return _read(self.folder)

    @property
    def generated(self) -> Path:
        """The file that lists the states an explorer can reach."""
        return HERE / f"{self.package}.json"

    @property
    def reachable(self) -> frozenset[str]:
        return frozenset(json.loads(self.generated.read_text())["reachable"])

    @property
    def pairs(self) -> int:
        """How many distinct (state, gesture) there are."""
        return int(json.loads(self.generated.read_text())["state_gesture_pairs"])


@cache
def _read(folder: Path) -> recordings.Recording:
    return recordings.read(folder)


YELP = App("com.yelp.android")
ALBUM = App("com.yanzhenjie.album.sample", ("com.sec.android.app.camera",))
APPS = [pytest.param(YELP, id="yelp"), pytest.param(ALBUM, id="album")]
