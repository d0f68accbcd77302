"""Mail through a server that wants TLS and a login, with a certificate of an authority made here."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from services.notifier.effects.sender import Sender
from services.runtime.clock import SystemClock
from tests.notifier.samples import configured, pinned, planned


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@dataclass
class Mailbox:
    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope.content)
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"waymark", "密码1".encode())
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def mail_server(pem: Path, mailbox: Mailbox, *, implicit: bool) -> AsyncIterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            mailbox,
            hostname="localhost",
            loop=loop,
            tls_context=None if implicit else context,
            require_starttls=not implicit,
            auth_required=True,
            auth_require_tls=not implicit,
            authenticator=mailbox.authenticate,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if implicit else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def send(port: int, password: str, security: str) -> tuple[bool, Any]:
    config = {
        "channel": "EMAIL", "target": "qa@example.com", "sender": "waymark@example.com", "host": "127.0.0.1",
        "port": port, "security": security, "username": "waymark", "timeout_s": 5,
    }  # fmt: skip
    plan = planned(pinned("mail", config))
    async with Sender.open(SystemClock()) as sender:
        sender.secrets = lambda _ref: SecretStr(password)
        return await sender.send(plan, plan.targets[0], configured("mail", config, secret_ref="env:MAIL"))


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd knows only STARTTLS as TLS
@pytest.mark.parametrize("security", ["STARTTLS", "TLS"])
async def test_a_mail_goes_through_tls_after_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    pem, mailbox = certificate(tmp_path), Mailbox()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with mail_server(pem, mailbox, implicit=security == "TLS") as port:
        sent, response = await send(port, "密码1", security)
    assert (sent, len(mailbox.taken)) == (True, 1), response


async def test_a_wrong_password_is_a_failure_that_does_not_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, mailbox = certificate(tmp_path), Mailbox()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with mail_server(pem, mailbox, implicit=False) as port:
        sent, response = await send(port, "wrong-password", "STARTTLS")
    assert not sent
    assert "535" in response["error"]
    assert "wrong-password" not in str(response)
    assert mailbox.taken == []


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    pem, mailbox = certificate(tmp_path), Mailbox()
    async with mail_server(pem, mailbox, implicit=False) as port:
        sent, response = await send(port, "密码1", "STARTTLS")
    assert not sent
    assert "certificate" in response["error"].lower()
    assert mailbox.taken == []
