"""Settings of a process, from environment variables `WAYMARK_*` (a `.env` file is read where there is one)."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.objects import StoreAddress


class Settings(BaseSettings):
    """What a service must be told about its surroundings. Secrets never appear in a log or a traceback."""

    model_config = SettingsConfigDict(env_prefix="WAYMARK_", env_file=".env", extra="ignore")

    nats_url: str = "nats://127.0.0.1:4222"
    postgres_dsn: SecretStr = SecretStr("postgresql://waymark@127.0.0.1:5432/waymark")
    s3_url: str | None = None
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_bucket: str = "waymark"
    s3_region: str = "us-east-1"
    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP receiver, e.g. `http://jaeger:4318`."""
    apk_limit_mb: int = Field(default=4096, ge=1)
    """The longest app that `waymark` uploads, all its APKs together."""
    log_level: str = "INFO"
    http_host: str = "127.0.0.1"
    http_port: int = 0
    """Port of /live, /ready and /metrics; 0 takes a free one and logs it."""
    instance: str = ""
    """Name that survives a restart of this replica (a pod's name); empty: a new one each time."""
    offline_grace_s: float = Field(default=60.0, ge=0, le=86_400)
    """A phone that is back within this time was not away: nobody is told."""
    replicas: int = Field(default=1, ge=1, le=5)
    """Copies of each stream that NATS keeps."""

    def store(self) -> StoreAddress:
        return StoreAddress(
            self.s3_url,
            self.s3_access_key,
            self.s3_secret_key.get_secret_value(),
            self.s3_bucket,
            self.s3_region,
        )
