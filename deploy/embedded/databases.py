"""Databases made and dropped quickly, as copies of a template: one for each test."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import asyncpg

CONNECT_LIMIT_S = 15.0


def at_database(dsn: str, name: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def create_database(dsn: str, name: str, template: str = "template1") -> str:
    """Create database `name` on the server of `dsn` as a copy of `template`; the new database's DSN.

    Nobody may be connected to the template meanwhile (PostgreSQL refuses to copy it otherwise).
    Raises asyncpg.DuplicateDatabaseError when the name is in use.
    """
    connection = await asyncpg.connect(dsn, timeout=CONNECT_LIMIT_S)
    try:
        # The file copy flushes once at its end; the log copy (the default) pays for every page of a small template.
        await connection.execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)} STRATEGY FILE_COPY")
    finally:
        await connection.close()
    return at_database(dsn, name)


async def ensure_database(dsn: str, name: str) -> str:
    """Create database `name` unless it exists; its DSN."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_LIMIT_S)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {_quoted(name)}")
    finally:
        await connection.close()
    return at_database(dsn, name)


async def drop_database(dsn: str, name: str) -> None:
    """Drop database `name` if it exists, whoever is connected to it. `dsn` names another database of the server."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_LIMIT_S)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
    finally:
        await connection.close()
