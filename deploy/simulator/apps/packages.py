"""Installing, removing and resetting apps, and starting them from outside by a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deploy.simulator.apps import lifecycle, system
from deploy.simulator.apps.apk import read_apk
from deploy.simulator.apps.model import App
from deploy.simulator.apps.state import LAUNCHER, Installed, Phone, Task


def fresh(app: App) -> Installed:
    """An app as it is right after its installation."""
    return Installed(app, dict(app.stored), dict(app.memory))


def install(phone: Phone, catalog: Mapping[tuple[str, int], App], apk: bytes) -> str:
    """Installs the version that the package file is of, and answers as `pm install` does.

    Another version gives way: what it stored and the permissions it was given are kept. Whether it may is decided by
    the phone's package manager.
    """
    identity = read_apk(apk)
    if identity is None:
        return "Failure [INSTALL_PARSE_FAILED_NOT_APK: Failed to parse the package file]"
    app = catalog.get((identity.package, identity.version_code))
    if app is None:
        unknown = f"{identity.package} {identity.version_code} is unknown to this phone"
        return f"Failure [INSTALL_FAILED_INVALID_APK: {unknown}]"
    old, new = phone.installed.get(app.package), fresh(app)
    if old is not None:
        lifecycle.kill(phone, app.package)
        new.stored.update({name: value for name, value in old.stored.items() if name in new.stored})
        new.granted, new.refusals = old.granted, old.refusals
    elif (kept := phone.kept.pop(app.package, None)) is not None:
        new.stored.update({name: value for name, value in kept.items() if name in new.stored})
    phone.installed[app.package] = new
    refresh_launcher(phone)
    return "Success"


def uninstall(phone: Phone, package: str) -> bool:
    """Removes an app. False where there is none, or where it is the system's."""
    installed = phone.installed.get(package)
    if installed is None or installed.app.system:
        return False
    lifecycle.kill(phone, package)
    del phone.installed[package]
    refresh_launcher(phone)
    return True


def clear_data(phone: Phone, package: str) -> bool:
    """Stops the app and forgets its values and permissions. False where there is no such app."""
    installed = phone.installed.get(package)
    if installed is None:
        return False
    if package != LAUNCHER:
        lifecycle.kill(phone, package)
        phone.installed[package] = fresh(installed.app)
    return True


def refresh_launcher(phone: Phone) -> None:
    """The launcher's icons are those of the apps that are there."""
    apps = [installed.app for installed in phone.installed.values()]
    phone.installed[LAUNCHER] = replace(phone.installed[LAUNCHER], app=system.launcher(apps))


def deep_link(phone: Phone, uri: str, package: str | None, now_s: float) -> bool:
    """Opens what an installed app declares for the URI; a web address opens the browser. False where nothing does."""
    if uri.startswith(("http://", "https://")) and package in (None, system.BROWSER):
        _to_task(phone, system.BROWSER)
        lifecycle.open_screen(phone, system.BROWSER, "web", (("url", uri),), now_s)
        return True
    for name, installed in phone.installed.items():
        if uri in installed.app.links and package in (None, name):
            link = installed.app.links[uri]
            _to_task(phone, name)
            lifecycle.open_screen(phone, name, link.screen, link.args, now_s)
            return True
    return False


def _to_task(phone: Phone, package: str) -> None:
    task = next((each for each in phone.tasks if each.package == package), None)
    if task is None:
        phone.tasks.append(Task(package, []))
    else:
        lifecycle.bring_to_front(phone, task)
