"""Finds what a phone plays by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from .bare import BareWorld
from .world import World

BARE = "bare"
EMPTY = "empty"


def world_for(spec: str, seed: int) -> World:
    """A new World of its own for one phone.

    `demo@1`: an app described as data, by name and version. `recording:DIR`: a recording. `bare`: nothing installed,
    and nothing can be. `empty`: nothing installed but the system's apps; the described ones can be.
    `factory:package.module:name`: what `name(seed)` of an importable module returns. ValueError where there is none.
    """
    kind, _, rest = spec.partition(":")
    if spec == BARE:
        return BareWorld()
    if spec == EMPTY:
        from .apps.catalog import empty

        return empty(seed)
    if kind == "recording":
        if not Path(rest).is_dir():
            raise ValueError(f"no recording: {rest} is not a folder")
        from .recordings import load as load_recording

        return load_recording(Path(rest), seed)
    if kind == "factory":
        return _made(rest, seed)
    name, at, version = spec.partition("@")
    if not (name and at and version):
        raise ValueError(f"{spec!r} names nothing to play; write NAME@VERSION, recording:DIR, {EMPTY} or {BARE}")
    from .apps import load

    return load(name, version, seed)


def _made(path: str, seed: int) -> World:
    module_name, _, name = path.partition(":")
    try:
        factory: Callable[[int], World] = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"cannot load {path}: {error}") from error
    return factory(seed)
