"""Runs one task with Open-AutoGLM as its checkout is; for its own Python, so nothing of Waymark is imported.

`python peer_program.py CHECKOUT`, with the task as JSON on the standard input: base_url, serial, goal, max_steps, apps
(labels with packages that are added to its table). The last line on the standard output is JSON: steps, finished,
success, message. What it prints of itself goes to the standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    task = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        outcome = run(task)
    sys.stdout.write(json.dumps(outcome, ensure_ascii=False) + "\n")


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Its own loop, `PhoneAgent.run`, written out with its public `step`, which alone tells how a task ended."""
    from phone_agent import PhoneAgent
    from phone_agent.agent import AgentConfig
    from phone_agent.config.apps import APP_PACKAGES
    from phone_agent.model import ModelConfig

    APP_PACKAGES.update(task["apps"])
    agent = PhoneAgent(
        ModelConfig(base_url=task["base_url"], model_name="scripted"),
        AgentConfig(max_steps=task["max_steps"], device_id=task["serial"], lang="cn"),
        confirmation_callback=lambda _: True,
        takeover_callback=lambda _: None,
    )
    result = agent.step(task["goal"])
    while not result.finished and agent.step_count < task["max_steps"]:
        result = agent.step()
    return {
        "steps": agent.step_count,
        "finished": result.finished,
        "success": result.finished and result.success,
        "message": result.message,
    }


if __name__ == "__main__":
    main()
