"""What differs between the Android generations that a simulated phone can be, and how long its commands take."""

from __future__ import annotations

from dataclasses import dataclass

_COMMON_FEATURES = ("cmd", "stat_v2", "ls_v2", "fixed_push_mkdir", "fixed_push_symlink_timestamp")


@dataclass(frozen=True)
class ApiProfile:
    """One Android release. Everything that a driver can notice follows from `api`."""

    api: int
    release: str
    build_id: str
    features: tuple[str, ...]
    """adb features of the banner. `delayed_ack`, `abb` and `sendrecv_v2` are left out: plain streams only."""

    @property
    def shell_v2(self) -> bool:
        return "shell_v2" in self.features

    @property
    def crlf(self) -> bool:
        """Before Android 7 `shell:` always ran in a pseudo terminal, which turns LF into CRLF (`exec:` does not)."""
        return self.api < 24

    @property
    def focus_in_windows(self) -> bool:
        """Up to Android 9 `dumpsys window windows` carries mCurrentFocus; from 10 on only `window` and `displays`."""
        return self.api < 29

    @property
    def top_resumed(self) -> bool:
        """From Android 10 on `dumpsys activity activities` has topResumedActivity, later instead of mResumed."""
        return self.api >= 29

    @property
    def exit_info(self) -> bool:
        return self.api >= 30

    @property
    def runtime_permission_flags(self) -> bool:
        return self.api >= 23


def _profile(api: int, release: str, build_id: str) -> ApiProfile:
    features: tuple[str, ...] = ()
    if api >= 24:
        features = ("shell_v2", *_COMMON_FEATURES)
    if api >= 29:
        features = (*features, "apex")
    return ApiProfile(api, release, build_id, features)


PROFILES: dict[int, ApiProfile] = {
    profile.api: profile
    for profile in (
        _profile(23, "6.0.1", "MMB29M"),
        _profile(28, "9", "PQ3A.190801.002"),
        _profile(30, "11", "RQ3A.211001.001"),
        _profile(33, "13", "TQ3A.230901.001"),
        _profile(35, "15", "AP3A.240905.015"),
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
