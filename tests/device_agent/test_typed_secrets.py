"""Secrets that are typed: which may be, and that no word about it holds them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_agent.keyboard import type_any, type_ascii, typeable
from services.device_agent.typed_secrets import hidden, typed_secret
from services.runtime.secrets import SecretError

ENVIRON = {
    "SHOP_PASSWORD": "s3cret",
    "WAYMARK_POSTGRES_DSN": "postgresql://",
    "AWS_SECRET_ACCESS_KEY": "k",
    "PGPASSWORD": "p",
}


def test_a_secret_that_is_there_for_it_is_read_when_it_is_typed() -> None:
    assert typed_secret("env:SHOP_PASSWORD", ENVIRON) == "s3cret"


@pytest.mark.parametrize(
    "ref", ["env:WAYMARK_POSTGRES_DSN", "env:AWS_SECRET_ACCESS_KEY", "env:PGPASSWORD", "file:/etc/shadow",
            "file:/run/secrets/../../etc/shadow", "file:/proc/self/environ", "none"]
)  # fmt: skip
def test_keys_of_the_platform_and_files_from_elsewhere_are_not_typed(ref: str) -> None:
    with pytest.raises(SecretError, match="WAYMARK_TYPED_SECRETS"):
        typed_secret(ref, ENVIRON)


def test_the_pin_of_a_phone_is_not_typed_whatever_its_place_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_PHONE_PINS", '{"rack=3": "env:LAB_LOCK"}')
    with pytest.raises(SecretError, match="WAYMARK_TYPED_SECRETS"):
        typed_secret("env:LAB_LOCK", {"LAB_LOCK": "4711"})


def test_the_setting_replaces_the_rule() -> None:
    environ = {**ENVIRON, "WAYMARK_TYPED_SECRETS": "env:TEST_*, env:AWS_SECRET_ACCESS_KEY", "TEST_PIN": "1"}
    assert typed_secret("env:TEST_PIN", environ) == "1"
    assert typed_secret("env:AWS_SECRET_ACCESS_KEY", environ) == "k"
    with pytest.raises(SecretError, match="is not typed into apps"):
        typed_secret("env:SHOP_PASSWORD", environ)


def test_a_variable_that_is_not_set_is_named_without_a_value() -> None:
    with pytest.raises(SecretError, match="NOT_THERE"):
        typed_secret("env:NOT_THERE", ENVIRON)


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=4, max_size=30).filter(
        lambda s: len(s.strip()) > 3
    )
)
def test_what_a_phone_says_of_its_commands_does_not_hold_the_secret(secret: str) -> None:
    script = type_ascii(secret, 0, False) if typeable(secret) and "%s" not in secret else type_any(secret, False)
    words = hidden(f"exit code 1: {script}", secret)
    assert secret not in words
    assert base64.b64encode(secret.encode()).decode() not in words
