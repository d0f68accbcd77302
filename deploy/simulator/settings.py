"""What is set on a phone: the settings tables and the keyboards."""

from __future__ import annotations

from dataclasses import dataclass, field

ADB_KEYBOARD = "com.android.adbkeyboard/.AdbIME"
AUTOMATION_KEYBOARD = "com.github.uiautomator/.AdbKeyboard"
"""The one that uiautomator2 types with."""
LATIN_KEYBOARD = "com.android.inputmethod.latin/.LatinIME"
NAMESPACES = ("system", "secure", "global")


def _defaults() -> dict[str, dict[str, str]]:
    return {
        "system": {
            "accelerometer_rotation": "1",
            "screen_brightness": "128",
            "screen_brightness_mode": "0",
            "screen_off_timeout": "60000",
            "user_rotation": "0",
        },
        "secure": {
            "android_id": "9774d56d682e549c",
            "default_input_method": LATIN_KEYBOARD,
            "enabled_input_methods": LATIN_KEYBOARD,
        },
        "global": {
            "adb_enabled": "1",
            "airplane_mode_on": "0",
            "animator_duration_scale": "1.0",
            "development_settings_enabled": "1",
            "stay_on_while_plugged_in": "0",
            "transition_animation_scale": "1.0",
            "window_animation_scale": "1.0",
        },
    }


@dataclass
class Settings:
    """`settings` tables and `ime` state; the two share `default_input_method` as on a phone."""

    tables: dict[str, dict[str, str]] = field(default_factory=_defaults)
    keyboards: list[str] = field(default_factory=lambda: [LATIN_KEYBOARD, ADB_KEYBOARD, AUTOMATION_KEYBOARD])
    """Installed input methods, enabled or not."""

    @property
    def keyboard(self) -> str:
        """The current input method."""
        return self.tables["secure"].get("default_input_method", "")

    @property
    def enabled(self) -> list[str]:
        names = self.tables["secure"].get("enabled_input_methods", "").split(":")
        return [name for name in self.keyboards if name in names]

    def find(self, name: str) -> str | None:
        """The installed keyboard of that id, written with a short or a full class name."""
        package, _, activity = name.partition("/")
        short = activity.removeprefix(package) if activity.startswith(package + ".") else activity
        return next((known for known in self.keyboards if known == f"{package}/{short}"), None)

    def enable(self, keyboard: str, on: bool) -> None:
        """Enables or disables; a current keyboard that is disabled gives way to the first one."""
        names = [name for name in self.keyboards if (on if name == keyboard else name in self.enabled)]
        self.tables["secure"]["enabled_input_methods"] = ":".join(names)
        if self.keyboard not in names:
            self.tables["secure"]["default_input_method"] = names[0] if names else ""

    def select(self, keyboard: str) -> None:
        self.tables["secure"]["default_input_method"] = keyboard
