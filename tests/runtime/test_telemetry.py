"""A run is one trace; a line of the log is one JSON object; no metric has a label for each id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.runtime import telemetry
from services.runtime.telemetry import hundred_of, run_root_traceparent, trace_id_of, traceparent_in_run

OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@given(st.uuids())
def test_an_event_of_a_run_is_in_the_runs_trace(run_id: UUID) -> None:
    root = run_root_traceparent(run_id)
    version, trace_id, span_id, flags = root.split("-")
    assert (version, trace_id, len(span_id), flags) == ("00", run_id.hex, 16, "01")
    assert traceparent_in_run(OTHER, run_id) == root
    assert traceparent_in_run(None, run_id) == root
    within = f"00-{run_id.hex}-b7ad6b7169203331-01"
    assert traceparent_in_run(within, run_id) == within


@pytest.mark.parametrize(("step", "hundred"), [(0, 0), (1, 0), (100, 0), (101, 1), (200, 1), (201, 2), (20_000, 199)])
def test_each_further_hundred_of_steps_is_a_trace_of_its_own(step: int, hundred: int) -> None:
    run_id = uuid4()
    assert hundred_of(step) == hundred
    root = run_root_traceparent(run_id, hundred)
    assert (trace_id_of(root) == run_id.hex) is (hundred == 0)
    for cause in (None, OTHER, run_root_traceparent(run_id, hundred + 1)):
        assert traceparent_in_run(cause, run_id, step=step, from_run=run_id) == root
    within = f"00-{trace_id_of(root)}-b7ad6b7169203331-01"
    assert traceparent_in_run(within, run_id, step=step, from_run=run_id) == within


def test_the_traces_of_runs_are_all_different() -> None:
    roots = [run_root_traceparent(run_id, n) for run_id in (uuid4(), uuid4()) for n in range(200)]
    assert len({root.split("-")[1] for root in roots}) == len({root.split("-")[2] for root in roots}) == len(roots)


def test_an_event_without_a_step_stays_in_the_trace_of_what_caused_it_in_the_same_run() -> None:
    run_id, other = uuid4(), uuid4()
    within = f"00-{trace_id_of(run_root_traceparent(run_id, 7))}-b7ad6b7169203331-01"
    assert traceparent_in_run(within, run_id, from_run=run_id) == within
    assert traceparent_in_run(within, run_id, from_run=other) == run_root_traceparent(run_id)
    assert traceparent_in_run(within, other, from_run=run_id) == run_root_traceparent(other)
    assert traceparent_in_run(None, run_id, from_run=run_id) == run_root_traceparent(run_id)


def test_what_belongs_to_no_run_stays_in_its_trace() -> None:
    assert traceparent_in_run(OTHER, None) == OTHER
    assert traceparent_in_run(None, None) is None
    assert telemetry.current_traceparent() is None


@pytest.mark.parametrize("traceparent", [None, "not-a-traceparent", OTHER])
def test_a_span_opens_under_whatever_it_is_given(traceparent: str | None) -> None:
    with telemetry.span("toy", traceparent, consumer="c") as span:
        assert span is not None


_PROGRAM = """
import logging, structlog
from services.runtime import telemetry
telemetry.configure_logging("toy", level="INFO")
telemetry.log.info("told", run_id="r1", text="截图\\nof two lines")
telemetry.log.debug("not told")
logging.getLogger("someone.else").warning("theirs %s", 7, extra={"more": 1})
try:
    raise KeyError("x")
except KeyError as error:
    telemetry.log.error("failed", exc_info=error)
"""


def test_every_line_of_the_log_is_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.stdout == ""
    told, theirs, failed = [json.loads(line) for line in done.stderr.splitlines()]
    assert (told["event"], told["run_id"], told["text"]) == ("told", "r1", "截图\nof two lines")
    assert {line["service"] for line in (told, theirs, failed)} == {"toy"}
    assert {line["level"] for line in (told, theirs, failed)} == {"info", "warning", "error"}
    assert (theirs["event"], theirs["more"]) == ("theirs 7", 1)
    assert "KeyError: 'x'" in failed["exception"]
    assert "截图" in done.stderr


def test_labels_are_few_and_never_subjects() -> None:
    ours = [metric for metric in REGISTRY.collect() if metric.name.startswith("waymark_")]
    assert ours
    allowed = {"owner", "event", "reactor", "result", "projection", "service", "kind", "source", "to", "le"}
    for metric in ours:
        for sample in metric.samples:
            assert set(sample.labels) <= allowed, metric.name
            assert not any(value.startswith("waymark.") for value in sample.labels.values()), sample


def test_the_root_of_a_run_follows_from_its_id() -> None:
    run_id = uuid4()
    assert run_root_traceparent(run_id) == run_root_traceparent(run_id)
    assert run_root_traceparent(run_id) != run_root_traceparent(uuid4())
