"""What differs between the Android generations that a simulated phone can be, and how long its commands take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ApiProfile:
    """One Android release. Everything that a driver can notice follows from `api`."""

    api: int
    release: str
    build_id: str
    security_patch: str

    @property
    def features(self) -> tuple[str, ...]:
        """adb features of the banner. `delayed_ack`, `abb` and `sendrecv_v2` are left out: plain streams only."""
        since = {
            "shell_v2": 24,
            "cmd": 24,
            "stat_v2": 26,
            "apex": 29,
            "ls_v2": 30,
            "fixed_push_mkdir": 30,
            "fixed_push_symlink_timestamp": 31,
        }
        return tuple(name for name, api in since.items() if self.api >= api)

    @property
    def shell_v2(self) -> bool:
        return "shell_v2" in self.features

    @property
    def crlf(self) -> bool:
        """Before Android 7 `shell:` always ran in a pseudo terminal, which turns LF into CRLF (`exec:` does not)."""
        return self.api < 24

    @property
    def toolbox(self) -> bool:
        """Android 6 has `df`, `ls`, `ps` and `uptime` of its own make; from 7 on they are toybox's (`ps` from 8 on)."""
        return self.api < 24

    @property
    def shows_version_codes(self) -> bool:
        """`pm list packages --show-versioncode`."""
        return self.api >= 26

    @property
    def focus_in_windows(self) -> bool:
        """Up to Android 9 `dumpsys window windows` carries mCurrentFocus; from 10 on only `window` and `displays`."""
        return self.api < 29

    @property
    def app_window_tokens(self) -> bool:
        """Up to Android 10 an activity is an AppWindowToken to the window manager, later the ActivityRecord itself."""
        return self.api < 30

    @property
    def brace_before_task(self) -> bool:
        """Android 13 and 14 close the brace of an ActivityRecord before the task, once too often."""
        return self.api in {33, 34}

    @property
    def task_records(self) -> bool:
        """Up to Android 9 tasks lie in numbered stacks."""
        return self.api < 29

    @property
    def resumed_in_stack(self) -> bool:
        """`mResumedActivity:` of each stack, until Android 11."""
        return self.api < 31

    @property
    def top_resumed(self) -> bool:
        """From Android 10 on `dumpsys activity activities` has topResumedActivity, later instead of mResumed."""
        return self.api >= 29

    @property
    def resumed_in_all(self) -> str:
        """What the activity that is in front of all is called in the end."""
        return "mFocusedActivity" if self.api < 26 else "ResumedActivity"

    @property
    def users_in_words(self) -> bool:
        """`ime` names the user that it does something for."""
        return self.api >= 29

    @property
    def exit_info(self) -> bool:
        return self.api >= 30

    @property
    def runtime_permission_flags(self) -> bool:
        return self.api >= 23


PROFILES: dict[int, ApiProfile] = {
    profile.api: profile
    for profile in (
        ApiProfile(23, "6.0.1", "MMB29M", "2015-12-01"),
        ApiProfile(24, "7.0", "NRD90M", "2016-08-05"),
        ApiProfile(25, "7.1.2", "N2G48C", "2017-08-05"),
        ApiProfile(26, "8.0.0", "OPR6.170623.013", "2017-09-05"),
        ApiProfile(27, "8.1.0", "OPM7.181205.001", "2018-12-05"),
        ApiProfile(28, "9", "PQ3A.190801.002", "2019-08-01"),
        ApiProfile(29, "10", "QQ3A.200805.001", "2020-08-05"),
        ApiProfile(30, "11", "RQ3A.211001.001", "2021-10-01"),
        ApiProfile(31, "12", "SP1A.210812.016", "2021-11-05"),
        ApiProfile(32, "12", "SP2A.220505.008", "2022-05-05"),
        ApiProfile(33, "13", "TQ3A.230901.001", "2023-09-01"),
        ApiProfile(34, "14", "UQ1A.240205.004", "2024-02-05"),
        ApiProfile(35, "15", "AP3A.240905.015", "2024-09-05"),
    )
}


def api_profile(api: int) -> ApiProfile:
    """The profile of an API level; ValueError names the levels that exist."""
    try:
        return PROFILES[api]
    except KeyError:
        raise ValueError(f"no profile for API level {api}; take one of {', '.join(map(str, PROFILES))}") from None


@dataclass(frozen=True)
class LatencyProfile:
    """Seconds that commands take, as measured at a caller. `gesture_scale` multiplies a swipe's own duration."""

    name: str
    screencap_s: float = 0.0
    dump_s: float = 0.0
    input_s: float = 0.0
    other_s: float = 0.0
    gesture_scale: float = 0.0


LATENCIES: dict[str, LatencyProfile] = {
    profile.name: profile
    for profile in (
        LatencyProfile("zero"),
        LatencyProfile("short", screencap_s=0.01, dump_s=0.03, input_s=0.01, gesture_scale=0.1),
        LatencyProfile("real", screencap_s=0.4, dump_s=1.5, input_s=0.2, other_s=0.02, gesture_scale=1.0),
    )
}


def latency_profile(name: str) -> LatencyProfile:
    """The latency profile of that name; ValueError names those that exist."""
    try:
        return LATENCIES[name]
    except KeyError:
        raise ValueError(f"no latency profile {name!r}; take one of {', '.join(LATENCIES)}") from None


def properties(profile: ApiProfile, serial: str, density_dpi: int) -> dict[str, str]:
    """System properties of a phone that was just booted, as `getprop` lists them."""
    fingerprint = f"waymark/sim/sim:{profile.release}/{profile.build_id}/1:user/release-keys"
    return {
        "debug.force_rtl": "0",
        "dev.bootcomplete": "1",
        "init.svc.adbd": "running",
        "init.svc.bootanim": "stopped",
        "persist.sys.locale": "en-US",
        "persist.sys.timezone": "UTC",
        "ro.boot.serialno": serial,
        "ro.build.characteristics": "default",
        "ro.build.fingerprint": fingerprint,
        "ro.build.id": profile.build_id,
        "ro.build.product": "sim",
        "ro.build.tags": "release-keys",
        "ro.build.type": "user",
        "ro.build.version.codename": "REL",
        "ro.build.version.incremental": "1",
        "ro.build.version.release": profile.release,
        "ro.build.version.sdk": str(profile.api),
        "ro.build.version.security_patch": profile.security_patch,
        "ro.debuggable": "0",
        "ro.hardware": "sim",
        "ro.product.brand": "waymark",
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
        "ro.product.device": "sim",
        "ro.product.locale": "en-US",
        "ro.product.manufacturer": "Waymark",
        "ro.product.model": f"SimPhone {profile.release}",
        "ro.product.name": "sim",
        "ro.secure": "1",
        "ro.serialno": serial,
        "ro.sf.lcd_density": str(density_dpi),
        "service.bootanim.exit": "1",
        "sys.boot_completed": "1",
        "sys.usb.state": "adb",
    }


def banner(profile: ApiProfile, props: dict[str, str]) -> bytes:
    """The identity that the daemon sends in its CNXN packet."""
    fields = [f"{name}={props[name]}" for name in ("ro.product.name", "ro.product.model", "ro.product.device")]
    fields.append(f"features={','.join(profile.features)}")
    return ("device::" + ";".join(fields)).encode()
