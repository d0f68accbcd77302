"""Secrets are found where a reference says, and errors say what to do without giving anything away."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.runtime.secrets import SecretError, resolve


def test_none_is_an_empty_secret() -> None:
    assert resolve("none").get_secret_value() == ""


def test_a_variable_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_SECRET", "一二三 ")
    assert resolve("env:BOT_SECRET").get_secret_value() == "一二三 "
    monkeypatch.setenv("BOT_SECRET", "changed")
    assert resolve("env:BOT_SECRET").get_secret_value() == "changed"


def test_a_file_is_read_without_the_line_feed_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"s3cret\r\n")
    secret = resolve(f"file:{tmp_path / 'key'}")
    assert secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(secret)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:NO_SUCH_VARIABLE", "variable NO_SUCH_VARIABLE is not set or empty"),
        ("file:/no/such/file", "/no/such/file cannot be read (No such file or directory)"),
        ("vault:secret/bot", "use none, env:NAME or file:/path"),
        ("env:", "use none, env:NAME or file:/path"),
        ("none:x", "use none, env:NAME or file:/path"),
        ("", "use none, env:NAME or file:/path"),
    ],
)
def test_what_cannot_be_had_says_what_to_do(reference: str, words: str) -> None:
    with pytest.raises(SecretError) as raised:
        resolve(reference, environ={})
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\n", "is empty"), (b"\xff\xfe\x00", "is not UTF-8"), (b"x" * 70_000, "more than 65536 bytes")],
)
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretError) as raised:
        resolve(f"file:{tmp_path / 'key'}")
    assert words in str(raised.value)
