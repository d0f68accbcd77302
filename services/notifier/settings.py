"""Settings of the notifier alone, from environment variables `WAYMARK_NOTIFIER_*`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notifier.decisions import Retries


class NotifierSettings(BaseSettings):
    """How patient the notifier is. `patience_s` has to exceed the time-out of every channel."""

    model_config = SettingsConfigDict(env_prefix="WAYMARK_NOTIFIER_", env_file=".env", extra="ignore")

    retry_delays_s: tuple[float, ...] = Field(default=Retries().delays_s, min_length=1, max_length=4)
    """Waits before the second to the fifth attempt, as JSON: `[5, 30, 120, 600]`."""
    patience_s: float = Field(default=Retries().patience_s, gt=0, le=600)

    def retries(self) -> Retries:
        return Retries(self.retry_delays_s, self.patience_s)
