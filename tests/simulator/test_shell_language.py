"""The shell interpreter: what scripts mean, against the rules and against a real POSIX shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.simulator.phone import Phone
from deploy.simulator.profiles import api_profile, latency_profile
from deploy.simulator.shell.interpreter import Shell, Streams
from deploy.simulator.shell.parser import parse
from deploy.simulator.shell.streams import Bytes, Capture
from deploy.simulator.shell.tree import ShellSyntaxError
from deploy.simulator.trace import Kind

from .conftest import Ran, Run
from .worlds import CounterWorld

_FENCE = (
    "F=/data/local/tmp/waymark.fence; T=0; N=0; [ -f $F ] && read T N < $F; "
    "if [ $T -gt {0} ] || {{ [ $T -eq {0} ] && [ $N -ge {1} ]; }}; then echo FENCED $T $N; exit 93; fi; "
    "echo {0} {1} > $F.new && mv $F.new $F && sync; input tap 540 500"
)


def run_now(script: str) -> Ran:
    """Runs a script on a new phone, for property tests."""

    async def one() -> Ran:
        phone = Phone("SIM", CounterWorld(), api_profile(33), latency_profile("zero"))
        out, err = Capture(), Capture()
        shell = Shell(phone, phone.trace.add(Kind.SERVICE, script), err)
        rc = await shell.run(script, Streams(Bytes(), out, err))
        return Ran(rc, bytes(out.content).decode("utf-8", "surrogateescape"), bytes(err.content).decode())

    return asyncio.run(one())


@pytest.mark.parametrize(
    ("script", "out", "rc"),
    [
        ("echo a  b", "a b\n", 0),
        ("echo 'a  b' \"c  $HOME\"", "a  b c  /\n", 0),
        ("false; echo $?", "1\n", 0),
        ("false && echo no || echo yes", "yes\n", 0),
        ("true || echo no && echo yes", "yes\n", 0),
        ("! true; echo $?", "1\n", 0),
        ("A=1; B=${A}2; echo $B", "12\n", 0),
        ("A='x  y'; echo $A; echo \"$A\"", "x y\nx  y\n", 0),
        ('echo ${X:-none} ${X-none} "${X:=set}" $X ${X:+there} ${#X}', "none none set set there 3\n", 0),
        ("F=/a/b.tar.gz; echo ${F##*/} ${F%.*} ${F%%.*} ${F#/}", "b.tar.gz /a/b.tar /a/b a/b.tar.gz\n", 0),
        ('echo $(echo a; echo b) "$(echo c; echo d)"', "a b c\nd\n", 0),
        ("echo $((2 + 3 * 4)) $((7 / 2)) $((7 % 4)) $((1 < 2))", "14 3 3 1\n", 0),
        ("N=4; N=$((N + 1)); echo $N", "5\n", 0),
        ("if [ 1 -gt 2 ]; then echo a; elif [ x = x ]; then echo b; else echo c; fi", "b\n", 0),
        ("for i in 1 2 3; do echo -n $i; done; echo", "123\n", 0),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i", "3\n", 0),
        ("{ echo a; echo b; } | wc -l", "2\n", 0),
        ("(A=1; exit 3); echo $? $A", "3\n", 0),
        ("echo a | cat | cat", "a\n", 0),
        ("exit 7; echo no", "", 7),
        ("echo 你好 | grep 好", "你好\n", 0),
        ("printf '%s-%d\\n' a 1 b 2", "a-1\nb-2\n", 0),
        ("echo one > /sdcard/f; echo two >> /sdcard/f; cat /sdcard/f", "one\ntwo\n", 0),
        ("echo 'a b c' > /sdcard/f; read X Y < /sdcard/f; echo $Y,$X", "b c,a\n", 0),
        ("ls /nope 2>/dev/null || echo missing", "missing\n", 0),
        ("ls /nope 2>&1", "ls: /nope: No such file or directory\n", 1),
        ("cd /sdcard && touch x.png y.png z.txt && ls *.png", "x.png\ny.png\n", 0),
        ("[ -n '' ] || [ -z '' ] && [ ! -e /nope ] && [ -d /sdcard ] && echo ok", "ok\n", 0),
        ("sh -c 'echo $1' name arg", "arg\n", 0),
        ("exec echo a; echo b", "a\n", 0),
        ("export A=5; sh -c 'echo $A'", "5\n", 0),
        ("echo a # not this", "a\n", 0),
        ("echo a#b", "a#b\n", 0),
        ("command -v input; command -v nope", "/system/bin/input\n", 1),
        ("yes 2>/dev/null; echo $?", "127\n", 0),
        ('echo "a\\"b\\$c"', 'a"b$c\n', 0),
        ("A=x; echo '$A' \"$A\" \\$A", "$A x $A\n", 0),
        ("echo `echo in`", "in\n", 0),
        ("true &\necho next", "next\n", 0),
        ("seq=1 && echo $seq", "1\n", 0),
        ("false | true", "", 0),
        ("true | false", "", 1),
    ],
)
async def test_scripts_mean_what_posix_says(run: Run, script: str, out: str, rc: int) -> None:
    ran = await run(script)
    assert (ran.out, ran.rc) == (out, rc), ran.err


@pytest.mark.parametrize(
    "script",
    ["echo 'open", 'echo "open', "if true; then echo", "echo $(ls", "a ||", "| a", "{ echo a", "fi", "echo >", "a;;b"],
)
async def test_a_script_that_is_none_fails_before_anything_runs(run: Run, script: str) -> None:
    ran = await run(f"echo first\n{script}")
    assert ran.rc == 1
    assert ran.out == ""
    assert ran.err.startswith("/system/bin/sh: ")


async def test_an_unknown_command_is_127_and_recorded(run: Run, phone: Phone) -> None:
    ran = await run("frobnicate --now")
    assert (ran.rc, ran.err) == (127, "/system/bin/sh: frobnicate: inaccessible or not found\n")
    programs = phone.trace.since(kinds=["program"])
    assert [(entry.detail, entry.rc) for entry in programs] == [("frobnicate --now", 127)]


async def test_the_fence_lets_each_action_through_once(run: Run, phone: Phone) -> None:
    assert (await run(_FENCE.format(7, 12))).rc == 0
    again = await run(_FENCE.format(7, 12))
    assert (again.rc, again.out) == (93, "FENCED 7 12\n")
    assert (await run(_FENCE.format(6, 99))).out == "FENCED 7 12\n"
    assert (await run(_FENCE.format(7, 13))).rc == 0
    assert (await run(_FENCE.format(8, 1))).rc == 0
    assert len(phone.trace.since(kinds=["touch"])) == 3
    assert phone.files.read("/data/local/tmp/waymark.fence") == b"8 1\n"


async def test_two_shells_at_once_can_both_pass_the_fence_as_on_a_phone(run: Run, phone: Phone) -> None:
    both = await asyncio.gather(run(_FENCE.format(7, 12)), run(_FENCE.format(7, 12)))
    assert [ran.rc for ran in both] == [0, 0]
    assert len(phone.trace.since(kinds=["touch"])) == 2


async def test_a_full_phone_fails_the_write_and_what_hangs_on_it(run: Run, phone: Phone) -> None:
    phone.faults.arm("storage_full", "fence.new")
    ran = await run("echo 1 > /data/local/tmp/fence.new && echo written")
    assert ran.out == ""
    assert "No space left on device" in ran.err


_TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)


@given(st.lists(_TEXT, max_size=5))
@settings(max_examples=150, deadline=None)
def test_quoted_words_arrive_as_they_were(words: list[str]) -> None:
    ran = run_now("printf '<%s>' x " + " ".join(shlex.quote(word) for word in words))
    assert ran.out == "<x>" + "".join(f"<{word}>" for word in words)


@given(st.text(st.sampled_from("ab $'\"\\|&;<>(){}!#=`*?-\n\t你"), max_size=30))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_script_or_a_syntax_error(text: str) -> None:
    with contextlib.suppress(ShellSyntaxError):
        assert parse(text) is parse(text)


_WORD = st.one_of(
    st.sampled_from(["a", "bc", "$A", "$B", '"$A"', '"$A$B"', "'$A'", "${C:-x y}", '"${C:-x y}"', "a\\ b", "$?", '""']),
    st.sampled_from(["你好", "'你 好'"]),
    st.sampled_from(["$(echo p q)", '"$(echo p  q)"', "$((3*4))", "pre$A", '"x"$A"y"', "${#A}", "${A%b}", "${A#a}"]),
)


def _scripts() -> st.SearchStrategy[str]:
    echo = st.lists(_WORD, min_size=1, max_size=4).map(lambda words: "printf '[%s]' " + " ".join(words))
    number, comparison = st.integers(-3, 3), st.sampled_from(["-eq", "-ne", "-lt", "-le", "-gt", "-ge"])
    test = st.tuples(number, comparison, number)
    simple = st.one_of(
        echo,
        st.sampled_from(["true", "false", "A='ab  cd'", "B=$A", "C=", "! true", "! false"]),
        st.sampled_from(["(exit 3)", "(A=z; echo $A)"]),
        test.map(lambda t: f"[ {t[0]} {t[1]} {t[2]} ]"),
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["; ", " && ", " || "]), inner).map("".join),
            st.tuples(inner, inner, inner).map(lambda t: f"if {t[0]}; then {t[1]}; else {t[2]}; fi"),
            inner.map(lambda body: f"{{ {body}; }}"),
            inner.map(lambda body: f"for I in 1 2; do {body}; done"),
            inner.map(lambda body: f"{{ {body}; }} | cat"),
        ),
        max_leaves=6,
    )


@pytest.mark.thorough
@given(_scripts())
@settings(max_examples=120, deadline=None)
def test_generated_scripts_do_what_a_real_shell_does(script: str) -> None:
    whole = script + '; echo "rc=$?"'
    real = subprocess.run(
        ["/bin/sh", "-c", whole],
        check=False,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        timeout=10,
    )
    assert run_now(whole).out == real.stdout.decode(), whole
