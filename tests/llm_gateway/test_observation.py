"""What a model is shown of a screen, and what it is told of what cannot be shown."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from contracts.values import ObjectRef
from services.llm_gateway.decisions.observation import Parts, possible
from services.llm_gateway.effects.observing import Observer
from services.runtime.objects import Objects, StoreAddress, StoreAwayError
from tests.llm_gateway.test_turns import question_of, turn_config
from tests.llm_gateway.world import SHOP, sight_of, turn_requested

PICTURE, TEXT, BOTH, NOTHING = Parts(True, False), Parts(False, True), Parts(True, True), Parts(False, False)


@pytest.mark.parametrize(
    ("observation", "grammar", "vision", "shown"),
    [
        ("auto", "json", True, BOTH),
        ("auto", "json", False, TEXT),
        ("auto", "autoglm", True, PICTURE),
        ("auto", "autoglm", False, TEXT),
        ("auto", "numbered", True, BOTH),
        ("picture", "json", True, PICTURE),
        ("picture", "json", False, TEXT),
        ("picture", "numbered", True, BOTH),
        ("text", "json", True, TEXT),
        ("both", "autoglm", True, BOTH),
        ("both", "tools", False, TEXT),
    ],
)
def test_what_is_shown_where_everything_is_there(observation: str, grammar: str, vision: bool, shown: Parts) -> None:
    assert possible(turn_config(observation=observation, grammar=grammar, vision=vision), None, None) == shown


@pytest.mark.parametrize("reason", ["SECURE", "BLACK", "TRUNCATED", "UNAVAILABLE"])
def test_where_there_is_no_picture_the_list_is_shown_whatever_was_wanted(reason: str) -> None:
    for observation, grammar in itertools.product(
        ("auto", "picture", "both"), ("autoglm", "json", "tools", "numbered")
    ):
        llm = turn_config(observation=observation, grammar=grammar, vision=True)
        asked = question_of(turn_requested(), llm, picture_absent=reason)
        assert possible(llm, reason, None) == TEXT
        sent = str(asked.request(None, None).messages)
        assert "There is no picture" in sent
        assert "购物车" in sent
        assert asked.shown.picture is None


def test_where_there_is_no_list_the_picture_is_shown_and_the_reason_told() -> None:
    llm = turn_config(observation="text", vision=True)
    asked = question_of(turn_requested(), llm, hierarchy_absent="UIAUTOMATION_HELD")
    assert possible(llm, None, "UIAUTOMATION_HELD") == PICTURE
    assert "another tool" in str(asked.request(None, "data:x").messages)


@pytest.mark.parametrize("vision", [True, False])
def test_where_there_is_neither_only_what_needs_no_sight_is_asked_for(vision: bool) -> None:
    llm = turn_config(vision=vision)
    asked = question_of(turn_requested(), llm, picture_absent="SECURE", hierarchy_absent="NOT_IDLE")
    assert possible(llm, "SECURE", "NOT_IDLE") == NOTHING
    assert "nothing can be seen" in str(asked.request(None, None).messages)
    assert asked.shown.places == ()


def test_a_number_addresses_only_what_was_listed() -> None:
    llm = turn_config(observation="picture", grammar="autoglm", vision=True)
    assert sight_of(*SHOP, llm=llm).places == ()
    listed = sight_of(*SHOP, llm=turn_config())
    assert len(listed.places) == len(listed.listing.lines) > 4


@pytest.mark.thorough
async def test_a_store_that_is_away_is_waited_for_and_no_model_is_asked_blindly() -> None:
    asked = turn_requested()
    ref = ObjectRef(key="ab/cd.xml", sha256="ab", size_bytes=1)
    async with Objects(StoreAddress("http://127.0.0.1:9", "key", "secret", "bucket"), timeout_s=0.5) as store:
        with pytest.raises(StoreAwayError):
            await Observer(store).look(asked.screen.model_copy(update={"hierarchy": ref}), turn_config())


def test_settings_of_the_model_go_along_with_a_turn() -> None:
    llm = turn_config(temperature=0.3, top_p=0.85, extra_body={"frequency_penalty": 0.2}, grammar="tools")
    sent = question_of(turn_requested(), llm).request(None, None)
    settings: dict[str, Any] = sent.settings()
    assert (settings["temperature"], settings["top_p"], sent.extra_body) == (0.3, 0.85, {"frequency_penalty": 0.2})
    assert settings["tools"]
