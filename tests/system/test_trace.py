"""A run is one trace, through all services and across the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.embedded.otlp import OtlpReceiver
from deploy.embedded.platform import Platform
from services.runtime.telemetry import run_root_traceparent
from tests.system.exploring import finished, quiet, start, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

TOOK_PART = {"orchestrator", "device-agent", "screen-indexer", "locator-validator"}


async def test_a_run_is_one_trace_with_parents_right_across_the_log(tmp_path: Path) -> None:
    async with (
        OtlpReceiver() as receiver,
        Platform(tmp_path, phones=["demo@1"], environ={"WAYMARK_OTLP_ENDPOINT": receiver.url}) as platform,
    ):
        await start(platform, max_steps=12)
        run = (await finished(platform))[0]
        await quiet(platform)
        await platform.stop_services()

        async def root_arrived() -> bool:
            return any(not span.parent_id for span in receiver.traces().get(run.run_id.hex, []))

        await until("the run's own span", root_arrived)
        spans = receiver.traces()[run.run_id.hex]
        assert {span.service for span in spans} >= TOOK_PART
        roots = [span for span in spans if not span.parent_id]
        assert [span.span_id for span in roots] == [run_root_traceparent(run.run_id).split("-")[2]]
        ids = {span.span_id for span in spans}
        assert [span.name for span in spans if span.parent_id and span.parent_id not in ids] == []
        crossing = [s for s in spans if s.parent_id in {o.span_id for o in spans if o.service != s.service}]
        assert crossing, "no span has its parent in another service"
        assert all(span.attributes["run_id"] == str(run.run_id) for span in spans)
        elsewhere = {trace for trace, found in receiver.traces().items() if any(s.service in TOOK_PART for s in found)}
        assert run.run_id.hex in elsewhere


@pytest.mark.slow
async def test_a_long_run_is_cut_into_linked_traces_of_a_hundred_steps(tmp_path: Path) -> None:
    async with (
        OtlpReceiver() as receiver,
        Platform(tmp_path, phones=["demo@1"], environ={"WAYMARK_OTLP_ENDPOINT": receiver.url}) as platform,
    ):
        await start(platform, max_steps=104)
        run = (await finished(platform, limit_s=200))[0]
        assert run.total_actions > 100
        await quiet(platform)
        await platform.stop_services()
        roots = [run_root_traceparent(run.run_id, number).split("-")[1:3] for number in (0, 1)]

        async def roots_arrived() -> bool:
            return (
                len([span for trace, _ in roots for span in receiver.traces().get(trace, []) if not span.parent_id])
                == 2
            )

        await until("the roots of both traces", roots_arrived)
        for (trace_id, root_id), beside in zip(roots, reversed(roots), strict=True):
            spans = receiver.traces()[trace_id]
            assert {span.service for span in spans} >= {"orchestrator", "device-agent", "screen-indexer"}
            (root,) = [span for span in spans if not span.parent_id]
            assert (root.span_id, root.links) == (root_id, (tuple(beside),))
            ids = {span.span_id for span in spans}
            assert [span.name for span in spans if span.parent_id and span.parent_id not in ids] == []
            assert all(span.attributes["run_id"] == str(run.run_id) for span in spans)
