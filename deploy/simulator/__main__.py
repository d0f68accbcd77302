"""`python -m deploy.simulator`: phones on loopback until SIGTERM, their ports on one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

import orjson
import uvloop

from .farm import Farm
from .profiles import LATENCIES, PROFILES


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulator", description=__doc__)
    parser.add_argument("--phones", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--latency", choices=sorted(LATENCIES), default="zero")
    parser.add_argument("--api", type=int, nargs="+", choices=sorted(PROFILES), default=[33], help="phones take turns")
    played = parser.add_mutually_exclusive_group()
    played.add_argument("--app", default="demo@1", help="NAME@VERSION, empty, bare, factory:MODULE:NAME (%(default)s)")
    played.add_argument("--recording", type=Path, help="folder of a recording to play")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trace-dir", type=Path, help="one SERIAL.jsonl a phone is written there")
    parser.add_argument("--control-port", type=int, default=0, help="0 takes a free one")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> int:
    spec = arguments.app if arguments.recording is None else f"recording:{arguments.recording}"
    try:
        farm = Farm(
            arguments.phones,
            spec=spec,
            apis=arguments.api,
            latency=arguments.latency,
            seed=arguments.seed,
            trace_dir=arguments.trace_dir,
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        ready = await farm.start(arguments.control_port)
        sys.stdout.write(orjson.dumps(ready).decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await farm.close()
    return 0


def main() -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(_arguments()))


if __name__ == "__main__":
    raise SystemExit(main())
