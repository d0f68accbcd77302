"""Which apps the simulator knows, in which versions, and the phone that has one of them."""

from __future__ import annotations

from deploy.simulator.apps.apk import Build, build_apk
from deploy.simulator.apps.demo.app import VERSIONS
from deploy.simulator.apps.engine import AppsWorld
from deploy.simulator.apps.model import App
from deploy.simulator.world import World

_APPS = {"demo": VERSIONS}


def app(name: str, version: str) -> App:
    """The description of one version, e.g. `app("demo", "1")`. Unknown: a `ValueError` that lists the known."""
    versions = _APPS.get(name, {})
    if version not in versions:
        known = ", ".join(f"{each} {number}" for each, numbers in _APPS.items() for number in numbers)
        raise ValueError(f"the simulator has no app {name!r} in version {version!r}; it has: {known}")
    return versions[version]


def load(name: str, version: str, seed: int) -> World:
    """A phone with the app installed and the launcher in front; every known version can be installed over it."""
    return AppsWorld((app(name, version),), _catalog(), seed)


def empty(seed: int) -> World:
    """A phone with the system's own apps, on which every known version can be installed."""
    return AppsWorld((), _catalog(), seed)


def apk(name: str, version: str, build: Build | None = None) -> bytes:
    """The package file of a version, for `adb install`."""
    return build_apk(app(name, version), build)


def _catalog() -> dict[tuple[str, int], App]:
    return {(each.package, each.version_code): each for versions in _APPS.values() for each in versions.values()}
