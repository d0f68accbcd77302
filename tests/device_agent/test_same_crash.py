"""Same crash, one key; different crash, another: precision and recall over pairs, on real stacks of the corpus."""

from __future__ import annotations

import sys
from itertools import combinations

import pytest

from services.device_agent.crashes import find
from services.device_agent.parsers import logcat
from tests.device_agent.mutations import Mutant, Trace, noisy, traces

SEED = 20_261_125
OCCURRENCES = 6
SAME_REPORT = {
    # Two traces of one report, of Android 4.4 and 6: `occured` became `occurred` in the message, NPE got a text.
    "AnkiDroid/crash_stack_#4200.txt": 2,
}
"""Files whose first traces are by their reporter's word the same crash: positives that nobody made up."""


def crashes_of(lines: list[str]) -> dict[str, str]:
    """Key by process of the crashes that are found in a log."""
    read = [logcat.line(raw) for raw in lines]
    return {crash.process: crash.key for crash in find(line for line in read if line is not None)}


@pytest.fixture
def corpus_traces(corpus) -> dict[str, list[Trace]]:
    files = sorted((corpus / "themis_crash_stacks").glob("*/*stack*.txt"))
    assert len(files) == 37
    return {f"{file.parent.name}/{file.name}": traces(file.name, file.read_text(errors="replace")) for file in files}


@pytest.mark.thorough
def test_precision_and_recall_over_pairs_of_real_crashes_are_98_percent_or_more(corpus_traces):
    """Ground truth: occurrences made of the first trace of one file are the same crash; of two files, different ones
    (each is another bug report; the stacks were compared by eye, none is there twice). Every key comes from a log with
    other processes and another app's crash in between, through the finder of crashes."""
    names = list(corpus_traces)
    told: list[tuple[str, str | None]] = []
    for at, name in enumerate(names):
        variants = corpus_traces[name][: SAME_REPORT.get(name, 1)]
        for occurrence in range(OCCURRENCES):
            seed = SEED + 1000 * at + occurrence
            mutant = Mutant(variants[occurrence % len(variants)], seed, "com.under.test")
            other = Mutant(corpus_traces[names[(at + 7 * occurrence + 1) % len(names)]][0], seed + 1, "com.other.app")
            keys = crashes_of(noisy(mutant.log(), seed, other.log()))
            told.append((name, keys.get("com.under.test")))
    pairs = [(a[0] == b[0], a[1] is not None and a[1] == b[1]) for a, b in combinations(told, 2)]
    right = sum(same and equal for same, equal in pairs)
    precision = right / sum(equal for _, equal in pairs)
    recall = right / sum(same for same, _ in pairs)
    sys.stdout.write(
        f"\n{len(told)} occurrences of {len(names)} crashes, seed {SEED}, {len(pairs)} pairs:"
        f" precision {precision:.4f}, recall {recall:.4f}\n"
    )
    split = sorted({name for name, _ in told if len({key for other, key in told if other == name}) > 1})
    sys.stdout.write(f"crashes with more than one key: {split or 'none'}\n")
    assert precision >= 0.98
    assert recall >= 0.98


def test_the_same_crash_on_two_versions_of_android_is_one(corpus_traces):
    for name, count in SAME_REPORT.items():
        keys = {
            crashes_of(Mutant(trace, 1, "com.under.test").log())["com.under.test"]
            for trace in corpus_traces[name][:count]
        }
        assert len(keys) == 1, name


def test_the_file_with_two_crashes_has_two_keys(corpus_traces):
    """and-bible #697 shows two traces, by its own words two different ones."""
    found = corpus_traces["and-bible/crash_stack_#697.txt"]
    assert len({crashes_of(Mutant(trace, 1, "com.under.test").log())["com.under.test"] for trace in found}) > 1
