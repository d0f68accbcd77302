"""Settings come from the environment, and give no secret away."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.runtime.settings import Settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_NATS_URL", "nats://nats:4222")
    monkeypatch.setenv("WAYMARK_S3_URL", "http://minio:9000")
    monkeypatch.setenv("WAYMARK_S3_ACCESS_KEY", "key")
    monkeypatch.setenv("WAYMARK_S3_SECRET_KEY", "hunter2")
    monkeypatch.setenv("WAYMARK_REPLICAS", "3")
    settings = Settings(_env_file=None)
    assert (settings.nats_url, settings.replicas) == ("nats://nats:4222", 3)
    store = settings.store()
    assert (store.endpoint, store.access_key, store.secret_key) == ("http://minio:9000", "key", "hunter2")
    assert store.bucket == "waymark"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_POSTGRES_DSN", "postgresql://me:hunter2@host/db")
    monkeypatch.setenv("WAYMARK_S3_SECRET_KEY", "hunter3")
    settings = Settings(_env_file=None)
    assert "hunter" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.postgres_dsn.get_secret_value().endswith("hunter2@host/db")


@pytest.mark.parametrize("replicas", ["0", "6", "many"])
def test_a_number_of_copies_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, replicas: str) -> None:
    monkeypatch.setenv("WAYMARK_REPLICAS", replicas)
    with pytest.raises(ValidationError, match="replicas"):
        Settings(_env_file=None)
