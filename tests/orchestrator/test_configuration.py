"""Configurations: each change has the next version, and what is none is refused before anybody depends on it."""

from __future__ import annotations

import json

import pytest

from contracts.orchestrator import ConfigChanged
from contracts.values import ConfigType
from services.orchestrator.decisions.configuration import CONFIG, config_key, decide_config
from services.runtime.handlers import RawRequest
from services.runtime.request_json import RejectedError
from tests.orchestrator.stories import Story

MODEL = {"base_url": "http://127.0.0.1:9/v1", "model": "glm"}


def raw(**fields: object) -> RawRequest:
    body = {"kind": "set", "config_type": "LLM", "name": "main", "secret_ref": "env:KEY", "config": MODEL, **fields}
    return RawRequest("config", "alice", json.dumps(body).encode(), 1)


def changed(story: Story, request: RawRequest) -> ConfigChanged:
    (event,) = story.when(request)
    assert isinstance(event, ConfigChanged)
    return event


def test_each_change_has_the_next_version():
    story = Story(CONFIG, decide_config)
    first, second = changed(story, raw()), changed(story, raw(enabled=False))
    assert (first.version, second.version) == (1, 2)
    assert first.config_id == second.config_id == config_key(raw())
    assert (first.enabled, second.enabled) == (True, False)
    assert (first.secret_ref, first.changed_by, first.config) == ("env:KEY", "alice", MODEL)


def test_configurations_are_kept_by_type_and_name():
    feishu = {"channel": "FEISHU", "target": "https://open.example/hook/x"}
    keys = {config_key(raw()), config_key(raw(name="other")),
            config_key(raw(config_type=ConfigType.ALERT_CHANNEL, config=feishu))}  # fmt: skip
    assert len(keys) == 3


def test_a_snapshot_of_the_version_is_the_version():
    codec = CONFIG.long_lived.codec
    assert codec.load(codec.dump(12)) == 12


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"secret_ref": "hunter2"}, "secret_ref"),
        ({"config_type": "MAIL"}, "config_type"),
        ({"name": ""}, "name"),
        ({"config": "x"}, "config"),
        ({"config": {"model": "m"}}, "config: base_url: this field is needed"),
        ({"config": MODEL | {"key": "sk-1"}}, "config: key: there is no such field"),
        ({"config_type": "ALERT_CHANNEL", "config": {"channel": "PIGEON"}}, "config: "),
        ({"kind": "unset"}, "kind"),
    ],
)
def test_what_is_no_configuration_is_refused_with_the_field(fields: dict[str, object], words: str):
    request = raw(**fields)
    for refuse in (lambda: config_key(request), lambda: Story(CONFIG, decide_config).when(request)):
        with pytest.raises(RejectedError) as refused:
            refuse()
        assert words in refused.value.reason
