"""What a launcher shows, as `cmd package query-activities` and the resolver tables of `dumpsys package` tell of it."""

from __future__ import annotations

from deploy.simulator.components import component, token
from deploy.simulator.package_manager import apk_path, folder_of
from deploy.simulator.shell.call import Call
from deploy.simulator.world import InstalledApp


def launchers(call: Call) -> str:
    """`query-activities` for what a launcher shows, whatever the intent, with what `dump` tells of labels."""
    shown = [app for app in call.phone.world.apps() if app.launchable and app.activities]
    lines = [f"{len(shown)} activities found:"] if shown else ["No activities found"]
    for number, app in enumerate(shown):
        label = f"labelRes=0x{app.label_resource:x} nonLocalizedLabel={'null' if app.label_resource else app.label}"
        folder, files = folder_of(app), list(call.phone.packages.files(app))
        lines += [
            f"  Activity #{number}:",
            "    priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=false",
            "    ActivityInfo:",
            f"      name={app.activities[0]}",
            f"      packageName={app.package}",
            "      enabled=true exported=true directBootAware=false",
            f"      taskAffinity={app.package} targetActivity=null persistableMode=PERSIST_ROOT_ONLY",
            "      ApplicationInfo:",
            f"        packageName={app.package}",
            f"        {label} icon=0x7f020000 banner=0x0",
            f"        processName={app.package}",
            f"        sourceDir={apk_path(app)}",
        ]
        if splits := [f"{folder}/{name}" for name in files[1:] if not app.system]:
            lines.append(f"        splitSourceDirs=[{', '.join(splits)}]")
        lines.append(f"        enabled=true minSdkVersion=23 targetSdkVersion=35 versionCode={app.version_code}")
    return "\n".join(lines) + "\n"


def resolver_table(*apps: InstalledApp) -> str:
    """Every activity of these apps, the launcher's filter first."""
    lines = ["Activity Resolver Table:", "  Non-Data Actions:"]
    listed = [(each.package, number, name) for each in apps for number, name in enumerate(each.activities)]
    for package, number, activity in listed:
        name = component(package, activity)
        action = "android.intent.action.MAIN" if number == 0 else "android.intent.action.VIEW"
        category = "android.intent.category.LAUNCHER" if number == 0 else "android.intent.category.DEFAULT"
        lines += [
            f"      {action}:",
            f"        {token('activity', name)} {name} filter {token('filter', name)}",
            f'          Action: "{action}"',
            f'          Category: "{category}"',
        ]
    return "\n".join(lines) + "\n\n"
