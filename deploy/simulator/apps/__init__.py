"""Apps described as data, and the phone world that plays them."""

from __future__ import annotations

from deploy.simulator.apps.catalog import load

__all__ = ["load"]
