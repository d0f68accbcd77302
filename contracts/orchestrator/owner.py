"""Whose events these are."""

from __future__ import annotations

from contracts.event import ReceiptEvent, SnapshotEvent

OWNER = "orchestrator"


class Snapshot(SnapshotEvent, owner=OWNER):
    pass


class Receipt(ReceiptEvent, owner=OWNER):
    pass
