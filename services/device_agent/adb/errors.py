"""What can go wrong between the agent and a phone; each message says what to do."""

# ruff: noqa: N818 - these name states of a phone as adb does (gone, offline, unauthorized)
from __future__ import annotations


class AdbError(Exception):
    """Anything that the adb server or a phone refused or did not finish. `serial` is None where no phone is meant."""

    def __init__(self, message: str, serial: str | None = None) -> None:
        super().__init__(message)
        self.serial = serial


class AdbServerGone(AdbError):
    """Nothing answers where the adb server should be."""

    def __init__(self, where: object, cause: str) -> None:
        super().__init__(
            f"no adb server answers at {where} ({cause}): start it with `adb start-server`, "
            "or set ADB_SERVER_SOCKET to where it is"
        )


class DeviceGone(AdbError):
    """The phone is unknown to the adb server, or left in the middle of a call.

    `begun` False: the server refused the call, so nothing of it happened; True: what it did is unknown.
    """

    def __init__(self, serial: str, cause: str, begun: bool = True) -> None:
        doubt = "; what was under way may have happened" if begun else ""
        super().__init__(f"{serial} is gone ({cause}): check its cable or network{doubt}", serial)
        self.begun = begun


class DeviceUnauthorized(AdbError):
    """The phone has not accepted this computer's key."""

    def __init__(self, serial: str) -> None:
        super().__init__(
            f"{serial} has not authorised this computer: accept `Allow USB debugging` on its screen", serial
        )


class DeviceOffline(AdbError):
    """The adb server knows the phone but cannot talk to it now."""

    def __init__(self, serial: str) -> None:
        super().__init__(
            f"{serial} is offline: it reconnects by itself in seconds; otherwise unplug it and plug it in again, "
            "or `adb disconnect` and `adb connect` it",
            serial,
        )


class DeviceTimeout(AdbError):
    """The phone did not finish in time: frozen, or busy. What the call did is unknown."""

    def __init__(self, serial: str, name: str, timeout_s: float) -> None:
        super().__init__(
            f"{serial} did not finish `{name}` within {timeout_s:g} s: it is frozen or overloaded; look at its screen "
            "and restart it if it stays so",
            serial,
        )


class CommandFailed(AdbError):
    """A command ended with an exit code or an output that means failure. `rc` is None where only the output said so."""

    def __init__(self, serial: str, name: str, rc: int | None, output: str) -> None:
        code = "" if rc is None else f" with exit code {rc}"
        super().__init__(f"`{name}` failed on {serial}{code}: {output.strip()[:500] or 'no output'}", serial)
        self.rc = rc
        self.output = output


class AdbRefused(AdbError):
    """The adb server refused a request for a reason of its own, which the message quotes."""


def refusal(message: str, serial: str | None) -> AdbError:
    """The error that a `FAIL` answer of the adb server means, by its words (adb 29 to 36 agree on them)."""
    said = message.strip()
    low = said.lower()
    if serial is not None:
        if "unauthorized" in low or "authorizing" in low:
            return DeviceUnauthorized(serial)
        if "offline" in low or "connecting" in low or "still booting" in low:
            return DeviceOffline(serial)
        if low == "closed":
            # The phone had been asked, and left before it agreed: the command may have started there.
            return DeviceGone(serial, said)
        if "not found" in low or "no devices" in low or "no such" in low or "detached" in low:
            return DeviceGone(serial, said, begun=False)
    return AdbRefused(f"the adb server refused: {said}", serial)
