"""What a server says when it cannot start becomes an error that says what to do."""

from __future__ import annotations

import pytest

from deploy.embedded.errors import EmbeddedError, PortTakenError, explain


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("postgres: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by postgres)", "glibc"),
        ('could not write to file "pg_wal/xlogtemp.12": No space left on device', "the disk is full"),
        ("could not extend file: wrote only 4096 of 8192 bytes\nHINT:  Check free disk space.", "the disk is full"),
        ('invalid value for parameter "TimeZone": "Europe/Paris"', "tzdata"),
        ("unshare: unshare failed: Operation not permitted", "user namespaces"),
        ("initdb: error: cannot be run as root", "ordinary user"),
        ('could not access directory "/x/data": Permission denied', "another folder"),
        ("FATAL:  database files are incompatible with server", "another PostgreSQL version"),
    ],
)
def test_known_last_words_give_advice(said: str, advice: str) -> None:
    error = explain("postgres", said)
    assert advice in str(error)
    assert said.splitlines()[0] in str(error)


def test_a_taken_port_is_an_error_of_its_own() -> None:
    said = 'could not bind IPv4 address "127.0.0.1": Address already in use'
    assert isinstance(explain("postgres", said), PortTakenError)
    assert isinstance(explain("nats", "listen tcp 127.0.0.1:4222: bind: address already in use"), PortTakenError)


def test_unknown_last_words_are_shown_without_a_flood() -> None:
    error = explain("nats", "\n".join(f"line {number}" for number in range(1000)))
    assert isinstance(error, EmbeddedError)
    assert "line 999" in str(error)
    assert "line 10\n" not in str(error)
