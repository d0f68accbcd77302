"""What a device-agent is told about phones, from environment variables `WAYMARK_PHONE_*`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.device_agent.fitness import Limits
from services.device_agent.phone_tags import PhoneTags, parse_phone_tags


class PhoneSettings(BaseSettings):
    """Limits below which a phone gets no lease, and where the secrets of locked screens lie (never the secrets)."""

    model_config = SettingsConfigDict(env_prefix="WAYMARK_PHONE_", env_file=".env", extra="ignore")

    pins: dict[str, str] = Field(default_factory=dict)
    """JSON, e.g. `{"emulator-5554": "env:PIN_A", "rack=3": "file:/run/pin", "*": "env:LAB_PIN"}`: a serial, a tag, or
    all phones, with the reference of the PIN or password that unlocks the screen (services/runtime/secrets.py)."""
    tags: str = ""
    """Tags of all phones and of single ones, e.g. `pool=checkout,R5CR30:rack=4`."""
    min_battery_percent: int = Field(default=Limits.min_battery_percent, ge=0, le=100)
    max_temperature_c: float = Field(default=Limits.max_temperature_c, gt=0)
    min_free_mb: int = Field(default=Limits.min_free_mb, ge=0)

    @field_validator("tags")
    @classmethod
    def _are_tags(cls, text: str) -> str:
        parse_phone_tags(text)
        return text

    @property
    def configured_tags(self) -> PhoneTags:
        return parse_phone_tags(self.tags)

    @property
    def limits(self) -> Limits:
        return Limits(self.min_battery_percent, self.max_temperature_c, self.min_free_mb)

    def pin_of(self, serial: str, tags: Mapping[str, str], adb_serial: str = "") -> str | None:
        """The reference of a phone's PIN: by its serial in Waymark, else by the one that adb calls it by now, else by a
        tag (in their order here), else that of all.

        `tags` are what the phone is; those configured here count too.
        """
        has = {**self.configured_tags.of(serial), **tags}
        by_tag = (ref for name, ref in self.pins.items() if "=" in name and _has(has, name))
        return self.pins.get(serial) or self.pins.get(adb_serial) or next(by_tag, None) or self.pins.get("*")


def _has(tags: Mapping[str, str], selector: str) -> bool:
    name, _, value = selector.partition("=")
    return tags.get(name) == value
