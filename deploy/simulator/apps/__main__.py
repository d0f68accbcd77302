"""`python -m deploy.simulator.apps demo@2 out.apk`: writes the package file of an app that the simulator knows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.simulator.apps.apk import CERTIFICATES, MIN_SDK, Build, build_apk
from deploy.simulator.apps.catalog import app


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulator.apps", description=__doc__)
    parser.add_argument("app", help="NAME@VERSION, e.g. demo@2")
    parser.add_argument("file", type=Path)
    parser.add_argument("--split", default="", help="name of the split that it is; without it, the base")
    parser.add_argument("--signer", choices=sorted(CERTIFICATES), default="demo")
    parser.add_argument("--min-sdk", type=int, default=MIN_SDK)
    parser.add_argument("--abi", action="append", default=[], help="with native code for this; may be repeated")
    parser.add_argument("--test-only", action="store_true")
    parser.add_argument("--debuggable", action="store_true")
    parser.add_argument("--split-required", action="store_true")
    parser.add_argument("--filler-mb", type=int, default=0, help="make it this much larger")
    given = parser.parse_args()
    build = Build(
        split=given.split,
        signer=given.signer,
        min_sdk=given.min_sdk,
        abis=tuple(given.abi),
        test_only=given.test_only,
        debuggable=given.debuggable,
        split_required=given.split_required,
        filler_bytes=given.filler_mb * 1024 * 1024,
    )
    try:
        name, _, version = given.app.partition("@")
        given.file.write_bytes(build_apk(app(name, version), build))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
