"""Each grammar, each action, each way in which models get it wrong: what a person would say that it means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from contracts.values import Finish, LaunchApp, Press, TapAt, TypeText
from services.llm_gateway.grammars.grammar import GrammarName, grammar_of
from services.llm_gateway.grammars.shown import Misread, RawReply, Spoken, ToolCall
from tests.llm_gateway.grammar_cases import CASES, GRAMMARS, SHOWN, intent_of, read, written

THOUGHT = '我先看看。If all was done I would say finish(message="完成") or do(action="Back"), or {"action": "finish"}.'
WIDE = str.maketrans('"[],()=:{}', "＂［］，（）＝：｛｝")


def wide(text: str) -> str:
    """Punctuation in its full width, outside of quoted texts; quotes as Chinese keyboards write them."""
    parts = re.split(r'("[^"]*")', text)
    return "".join(f"“{part[1:-1]}”" if at % 2 else part.translate(WIDE) for at, part in enumerate(parts))


def wide_digits(text: str) -> str:
    parts = re.split(r'("[^"]*")', text)
    digits = str.maketrans("0123456789", "０１２３４５６７８９")
    return "".join(part if at % 2 else part.translate(digits) for at, part in enumerate(parts))


def outside(text: str, old: str, new: str) -> str:
    """Replaced outside of quoted texts only."""
    parts = re.split(r'("[^"]*")', text)
    return "".join(part if at % 2 else part.replace(old, new) for at, part in enumerate(parts))


SAME: dict[str, Callable[[str], str]] = {
    "bare": lambda c: c,
    "whole form": lambda c: f"<think>{THOUGHT}</think><answer>{c}</answer>",
    "on lines": lambda c: f"<think>\n{THOUGHT}\n</think>\n<answer>\n{c}\n</answer>\n",
    "closing tag trails": lambda c: f"{c}</answer>",
    "closing tags doubled": lambda c: f"<think>x</think><answer>{c}</answer></answer>",
    "opening tags doubled": lambda c: f"<think><think>x</think><answer><answer>{c}</answer>",
    "no closing tag": lambda c: f"<think>{THOUGHT}</think><answer>{c}",
    "no answer tag": lambda c: f"<think>{THOUGHT}</think>{c}",
    "thinking not opened": lambda c: f'{THOUGHT}\nfinish(message="草稿")\n</think>\n<answer>{c}</answer>',
    "thinking not closed": lambda c: f"<think>{THOUGHT}\n<answer>{c}</answer>",
    "thinking not closed, no answer tag": lambda c: f"<think>先看看\n{c}",
    "tags in capitals": lambda c: f"<THINK>{THOUGHT}</THINK><ANSWER>{c}</ANSWER>",
    "thinking tag": lambda c: f"<thinking>{THOUGHT}</thinking>\n{c}",
    "thinking tag after the answer": lambda c: f"<answer>{c}</answer></think>",
    "box": lambda c: f"<|begin_of_box|>{c}<|end_of_box|>",
    "two boxes": lambda c: f"<|begin_of_box|>I see icons...<|end_of_box|>\n<|begin_of_box|>{c}<|end_of_box|>",
    "box in the answer": lambda c: f"<answer><|begin_of_box|>{c}<|end_of_box|></answer>",
    "end token": lambda c: f"{c}<|endoftext|>",
    "user token": lambda c: f"<answer>{c}</answer><|user|>",
    "fenced": lambda c: f"```\n{c}\n```",
    "fenced with a language": lambda c: f"Here it is:\n```json\n{c}\n```\nDone.",
    "fenced in one line": lambda c: f"```python {c} ```",
    "code": lambda c: f"`{c}`",
    "prose before": lambda c: f'我需要打开"微信"，然后继续。\n{c}',
    "prose after": lambda c: f'{c}\n这样就会打开"微信"。',
    "prose around": lambda c: f"I'll do it now.\n\n{c}\n\nThat's what \"you\" want.",
    "more is offered": lambda c: f"{c}\n如果还有其他需要，请告诉我。If you need anything else, let me know.",
    "prose in the answer": lambda c: f"<answer>好的\n{c}\n谢谢</answer>",
    "label": lambda c: f"Thought: {THOUGHT}\nAction: {c}",
    "chinese label": lambda c: f"思考：先看看\n操作：{c}",
    "bold label": lambda c: f"先看看\n**Action:** {c}",
    "list item": lambda c: f"1. {c}",
    "after a sentence": lambda c: f"我需要这样做。{c}",
    "end of a sentence": lambda c: f"{c}。",
    "semicolon": lambda c: f"{c};",
    "space": lambda c: f"\n\n   {c}  \n\t\n",
    "bracket doubled": lambda c: f"{c}{c[-1]}",
    "said three times": lambda c: f"{c}\n{c}\n{c}",
    "said for ever": lambda c: "\n".join([c] * 1500),
    "said a hundred times in one line": lambda c: c * 100,
    "answered twice": lambda c: f"<answer>{c}</answer><answer>{c}</answer>",
    "thought for ever": lambda c: f"<think>{THOUGHT * 3000}</think><answer>{c}</answer>",
    "full width": wide,
    "full width digits": wide_digits,
    "single quotes": lambda c: c.replace('"', "'"),
    "escaped quotes": lambda c: c.replace('"', '\\"') if c[0] != "{" else c,
    "trailing comma": lambda c: f"{c[:-1]},{c[-1]}",
    "no last bracket, closing tag": lambda c: f"<answer>{c[:-1]}</answer>",
    "lines inside": lambda c: outside(c, ",", ",\n    "),
    "no spaces": lambda c: re.sub(r'("[^"]*")|\s+', lambda m: m[1] or "", c),
    "lower case": lambda c: re.sub(r'(action"?[=:] ?)"([^"]*)"', lambda m: f'{m[1]}"{m[2].lower()}"', c),
    "upper case": lambda c: re.sub(r'(action"?[=:] ?)"([^"]*)"', lambda m: f'{m[1]}"{m[2].upper()}"', c),
}

CHINESE = {"launch": "打开", "tap": "点击", "long press": "长按", "double tap": "双击", "type": "输入", "swipe": "滑动",
           "back": "返回", "home": "主页", "wait": "等待", "finish": "完成"}  # fmt: skip


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("defect", SAME)
def test_a_defect_of_form_changes_no_meaning(defect: str, grammar: GrammarName) -> None:
    wrong = {}
    for name, case in CASES.items():
        found = read(grammar, SAME[defect](written(grammar, case)))
        if intent_of(found) != case.means:
            wrong[name] = found
    assert not wrong


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CHINESE)
def test_actions_have_chinese_names(name: str, grammar: GrammarName) -> None:
    case = CASES[name]
    text = re.sub(r'(action"?[=:] ?)"[^"]*"', lambda m: f'{m[1]}"{CHINESE[name]}"', written(grammar, case))
    text = text.replace("finish(", 'do(action="完成", ')
    assert intent_of(read(grammar, text)) == case.means


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_what_the_endpoint_cut_off_is_never_taken_for_whole(name: str, grammar: GrammarName) -> None:
    whole = f"<think>想一想</think><answer>{written(grammar, CASES[name])}</answer>"
    ends = len(whole) - len("</answer>")
    for cut in range(len(whole)):
        found = read(grammar, whole[:cut], "length")
        if cut < ends:
            assert isinstance(found, Misread), whole[:cut]
        else:
            assert intent_of(found) == CASES[name].means


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_what_ends_in_the_middle_of_a_text_is_not_understood(name: str, grammar: GrammarName) -> None:
    """Also where the endpoint says that it was not cut off."""
    whole = written(grammar, CASES[name])
    quotes = [at for at, character in enumerate(whole) if character == '"']
    for opening, closing in zip(quotes[::2], quotes[1::2], strict=True):
        for cut in range(opening + 1, closing + 1):
            found = read(grammar, whole[:cut])
            assert isinstance(found, Misread), whole[:cut]


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_a_bracket_that_is_missing_at_the_end_is_missing_only_where_the_value_before_it_ends(
    name: str, grammar: GrammarName
) -> None:
    case = CASES[name]
    text = written(grammar, case)[:-1]
    found = read(grammar, text)
    if text[-1] in '"]}(' or text == "{":
        assert intent_of(found) == case.means
    else:
        assert isinstance(found, Misread)


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_turns_that_the_model_makes_up_after_its_answer_do_not_count(name: str, grammar: GrammarName) -> None:
    """Unless it ended the task, and then went on."""
    case = CASES[name]
    one, two = written(grammar, case), written(grammar, CASES["home" if name != "home" else "back"])
    found = read(grammar, f"<think>x</think><answer>{one}</answer>\n<think>好了</think><answer>{two}</answer>")
    if isinstance(case.means, Finish):
        assert isinstance(found, Misread)
    else:
        assert intent_of(found) == case.means


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_of_two_actions_the_first_is_done(name: str, grammar: GrammarName) -> None:
    """Unless it ends the task: then what follows contradicts it."""
    case = CASES[name]
    next_one = CASES["double tap"] if name != "double tap" else CASES["back"]
    one, two = written(grammar, case), written(grammar, next_one)
    for both in (f"{one}\n{two}", f"<answer>{one}\n{two}</answer>", f"<answer>{one}</answer><answer>{two}</answer>"):
        found = read(grammar, both)
        if isinstance(case.means, Finish):
            assert isinstance(found, Misread)
            assert "ends the task" in found.reason
        else:
            assert intent_of(found) == case.means


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_an_action_before_finish_is_done_and_finish_is_asked_for_again(name: str, grammar: GrammarName) -> None:
    case = CASES[name]
    if isinstance(case.means, Finish):
        return
    end = written(grammar, CASES["finish"])
    assert intent_of(read(grammar, f"<answer>{written(grammar, case)}\n{end}</answer>")) == case.means


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_rows_with_words_between_them_leave_open_which_is_meant(name: str, grammar: GrammarName) -> None:
    one = written(grammar, CASES[name])
    two = written(grammar, CASES["double tap" if name != "double tap" else "back"])
    found = read(grammar, f"First I thought of\n{one}\nbut then rather of\n{two}\nor so.")
    assert isinstance(found, Misread)


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", ["finish", "give up"])
@pytest.mark.parametrize(
    "talk",
    [
        "I will say {} when all is done.",
        "任务还没有完成，不能说{}",
        "Not yet {}",
        "<think>Now {}</think>",
        "<think>\n{}\n</think>",
        "<think>\n{}\n</think>\n",
        "I must not answer {} now, because the list is open.",
        "<answer>I would say {} but the page is still loading</answer>",
        "The user wants me to end with {} — what now?",
        "When all is done I will answer:\n{}",
        "{}\nonce everything is there. For now I wait.",
        "{}\n但是还没有完成。",
        "First\n{}\nor not?\n{}\nhm",
        "<think>I could say\n{}\nand then go on",
        "<answer>{}\nonce all is there</answer>",
        '<answer>{}\nno, rather\ndo(action="Back")</answer>',
    ],
)
def test_talk_about_the_end_is_no_end(talk: str, name: str, grammar: GrammarName) -> None:
    assert isinstance(read(grammar, talk.replace("{}", written(grammar, CASES[name]))), Misread)


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", CASES)
def test_thinking_about_the_end_is_never_taken_for_the_answer(name: str, grammar: GrammarName) -> None:
    end = written(grammar, CASES["finish"])
    answer = written(grammar, CASES[name])
    for thinking in (
        f"<think>{end}</think><answer>{answer}</answer>",
        f"<think>\n{end}\n</think>\n{answer}",
        f"{end}</think><answer>{answer}</answer>",
        f"<answer>{end}</answer></think>\n<answer>{answer}</answer>",
        f"<think><answer>{end}</answer></think><answer>{answer}</answer>",
        f"<think>not {end} yet\n<answer>{answer}</answer>",
        f"The end would be {end}, but not now.\n{answer}",
    ):
        assert intent_of(read(grammar, thinking)) == CASES[name].means, thinking


UNKNOWN = {
    "unknown action": ('do(action="Fly", to="Mars")', '{"action": "Fly", "to": "Mars"}', "no action"),
    "no action": ("do()", '{"action": null}', ""),
    "nowhere": ('do(action="Tap")', '{"action": "Tap"}', "where"),
    "a word for a place": ('do(action="Tap", element="搜索")', '{"action": "Tap", "element": "搜索"}', "neither"),
    "an element that is not listed": ('do(action="Tap", element=3)', '{"action": "Tap", "element": 3}', "from 1 to 2"),
    "element zero": ('do(action="Tap", element=0)', '{"action": "Tap", "element": 0}', "from 1 to 2"),
    "pixels": ('do(action="Tap", element=[540,1200])', '{"action": "Tap", "element": [540, 1200]}', "0 to 999"),
    "negative": ('do(action="Tap", element=[-5,10])', '{"action": "Tap", "element": [-5, 10]}', "negative"),
    "three numbers": ('do(action="Tap", element=[1,2,3])', '{"action": "Tap", "element": [1, 2, 3]}', "two numbers"),
    "no numbers": ("do(action=\"Tap\", element='=')", '{"action": "Tap", "element": "="}', ""),
    "half a swipe": ('do(action="Swipe", start=[5,5])', '{"action": "Swipe", "start": [5, 5]}', "end"),
    "a swipe to where it began": (
        'do(action="Swipe", start=[5,5], end=[5,5])', '{"action": "Swipe", "start": [5, 5], "end": [5, 5]}', "same"),
    "nothing to type": ('do(action="Type")', '{"action": "Type"}', "what to type"),
    "an object to type": ('do(action="Type", text={"a": 1})', '{"action": "Type", "text": {"a": 1}}', "what to type"),
    "too much to type": (
        f'do(action="Type", text="{"长" * 4001}")', f'{{"action": "Type", "text": "{"长" * 4001}"}}', "4000"),
    "no app": ('do(action="Launch", app="")', '{"action": "Launch", "app": ""}', "which app"),
    "no key": ('do(action="Key", key="Any")', '{"action": "Key", "key": "Any"}', "key"),
    "a wait of words": ('do(action="Wait", duration="until it is there")',
                        '{"action": "Wait", "duration": "until it is there"}', "seconds"),
    "a wait into the past": ('do(action="Wait", duration=-3)', '{"action": "Wait", "duration": -3}', "seconds"),
    "an end that is none": ('finish(message="x", status="in progress")',
                            '{"action": "finish", "message": "x", "status": "in progress"}', "true or false"),
}  # fmt: skip


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_says_too_little_is_told_what_is_missing(name: str, grammar: GrammarName) -> None:
    call, found, reason = UNKNOWN[name]
    misread = read(grammar, call if grammar == "autoglm" else found)
    assert isinstance(misread, Misread)
    assert reason in misread.reason
    assert misread.reason.endswith(".")


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("<think></think><answer></answer>", "no action"),
        ("<think>好</think>", "no action"),
        ("I am sorry, I can't help with that.", "no action"),
        ("任务已完成。", "no action"),
        ("finish", "no action"),
        ("The user wants me to interact with the phone. " * 2000, "repeats itself"),
        ("啊" * 100_000, "repeats itself"),
        ("<html><body>502 Bad Gateway</body></html>", "no action"),
        ('{"error": {"message": "rate limited"}}', "no action"),
        ("[{'Type': 'Type'}]", "no action"),
        ('{"n": 3, "name": "Back", "kind": "button"}', "no action"),
        ("tap (the button) or wait (2 s) or go back (the arrow)", "no action"),
        ("null", "no action"),
        ("{}", "no action"),
    ],
)
def test_what_holds_no_action_says_so(text: str, reason: str, grammar: GrammarName) -> None:
    found = read(grammar, text)
    assert isinstance(found, Misread)
    assert reason in found.reason


@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000, "[" * 100_000, "(" * 100_000, '"' * 100_000, "\\" * 100_000, " " * 100_000 + "x",
        "<think>" * 20_000, '{"a":' * 20_000, '{"a":"' * 20_000, '{"a"/*' * 20_000, "/*" * 50_000, "[{" * 50_000,
        'do(action="' * 10_000, "do(" * 50_000, "tap(" * 50_000, 'do(action="Type", text="' + '")' * 50_000,
        '{"action":"Type","text":"' + '",a' * 30_000, 'do(action="Type", text="' + '" ) ' * 40_000,
        "do(action=Type, text=" + ", " * 50_000, "<|" * 50_000, "**Action:" * 10_000, "a." * 50_000 + "tap(",
        'finish(message="' + "(" * 100_000, "1,2," * 50_000, "do(action='Tap', element=" + "[" * 50_000,
        'do(action="Tap", element="' + "1 " * 50_000 + '")',
        '{"action": "tap", "element": ' + "[" * 700 + "1" + "]" * 700 + "}",
        'do(action="Tap", element=' + "[" * 700 + "1" + "]" * 700 + ")",
        '{"a":' * 700 + "1" + "}" * 700,
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_endless_nonsense_is_read_with_bounded_effort(
    text: str, grammar: GrammarName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test ends: what is read is bounded, and what is read in vain, too."""
    for reason in ("stop", "length"):
        assert isinstance(read(grammar, text, reason), Misread)


CALLS = {name: (json.loads(case.object)["action"], json.loads(case.object)) for name, case in CASES.items()}


def tool_call(name: str) -> ToolCall:
    action, arguments = CALLS[name]
    function = action.lower().replace(" ", "_")
    return ToolCall(function, json.dumps({k: v for k, v in arguments.items() if k != "action"}, ensure_ascii=False))


def in_tags(call: ToolCall, form: str = "arg_key") -> str:
    """Arguments as chat templates write them: texts as they are, everything else as JSON."""
    given = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in json.loads(call.arguments).items()
    }
    if form == "arg_key":
        return "\n".join(f"<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>" for key, value in given.items())
    return "\n".join(f"<parameter={key}>\n{value}\n</parameter>" for key, value in given.items())


def test_a_call_in_tags_that_was_cut_off_is_not_made() -> None:
    text = f"<tool_call>type\n{in_tags(tool_call('type'))}\n</tool_call>"
    for cut in range(len("<tool_call>"), text.index("\n</tool_call>")):
        assert isinstance(read("tools", text[:cut], "length"), Misread), text[:cut]


AS_CALLS: dict[str, Callable[[ToolCall], RawReply]] = {
    "call": lambda c: RawReply("", (c,), "tool_calls"),
    "with text": lambda c: RawReply(THOUGHT, (c,), "tool_calls"),
    "text that holds another": lambda c: RawReply('<answer>finish(message="x")</answer>', (c,), "tool_calls"),
    "called twice": lambda c: RawReply("", (c, c), "tool_calls"),
    "in a namespace": lambda c: RawReply("", (ToolCall(f"functions.{c.name}", c.arguments),), "tool_calls"),
    "in capitals": lambda c: RawReply("", (ToolCall(c.name.upper(), c.arguments),), "tool_calls"),
    "trailing comma": lambda c: RawReply("", (ToolCall(c.name, f"{c.arguments[:-1]},}}"),), "tool_calls"),
    "single quotes": lambda c: RawReply("", (ToolCall(c.name, c.arguments.replace('"', "'")),), "tool_calls"),
    "full width": lambda c: RawReply("", (ToolCall(c.name, wide(c.arguments)),), "tool_calls"),
    "in tags": lambda c: RawReply(f'<tool_call>\n{{"name": "{c.name}", "arguments": {c.arguments}}}\n</tool_call>'),
    "in doubled braces": lambda c: RawReply(
        f'<tool_call>\n{{{{"name": "{c.name}", "arguments": {c.arguments}}}}}\n</tool_call>'
    ),
    "with arguments as text": lambda c: RawReply(json.dumps({"name": c.name, "arguments": c.arguments})),
    "of a function": lambda c: RawReply(
        json.dumps({"function": {"name": c.name, "arguments": json.loads(c.arguments)}})
    ),
    "in a list": lambda c: RawReply(
        json.dumps({"tool_calls": [{"type": "function", "function": {"name": c.name, "arguments": c.arguments}}]})
    ),
    "in tags of arguments": lambda c: RawReply(f"<tool_call>{c.name}\n{in_tags(c)}\n</tool_call>", (), "stop"),
    "in tags of parameters": lambda c: RawReply(
        f"<tool_call>\n<function={c.name}>\n{in_tags(c, 'parameter')}\n</function>\n</tool_call>", (), "stop"
    ),
    "as a call": lambda c: RawReply(f"{c.name}({c.arguments})"),
    "after thinking": lambda c: RawReply(f"<think>{THOUGHT}</think>\n{c.name}({c.arguments})"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", AS_CALLS)
def test_a_function_is_called_in_many_forms(form: str, name: str) -> None:
    for grammar in GRAMMARS:
        assert intent_of(grammar_of(grammar).parse(AS_CALLS[form](tool_call(name)), SHOWN)) == CASES[name].means


@pytest.mark.parametrize("name", CASES)
def test_arguments_that_were_cut_off_are_not_called_with(name: str) -> None:
    call = tool_call(name)
    for cut in range(1, len(call.arguments)):
        found = grammar_of("tools").parse(RawReply("", (ToolCall(call.name, call.arguments[:cut]),), "length"), SHOWN)
        assert isinstance(found, Misread)


def test_of_several_calls_the_first_is_done_and_an_end_among_them_is_a_contradiction() -> None:
    parse = grammar_of("tools").parse
    tap, end = tool_call("tap"), tool_call("finish")
    assert intent_of(parse(RawReply("", (tap, end)), SHOWN)) == CASES["tap"].means
    assert isinstance(parse(RawReply("", (end, tap)), SHOWN), Misread)
    assert intent_of(parse(RawReply("", (end, end)), SHOWN)) == CASES["finish"].means


def test_an_unknown_function_is_named() -> None:
    found = grammar_of("tools").parse(RawReply("", (ToolCall("fly", "{}"),)), SHOWN)
    assert isinstance(found, Misread)
    assert '"fly"' in found.reason


QUOTES = {
    'do(action="Type", text="去哪里"吃饭"呀？")': '去哪里"吃饭"呀？',
    'do(action="Type", text="去哪里\\"吃饭\\"呀？")': '去哪里"吃饭"呀？',
    "do(action='Type', text='it's 5 o'clock')": "it's 5 o'clock",
    'do(action="Type", text="27" tv")': '27" tv',
    'do(action="Type", text="他说"好")了")': '他说"好")了',
    'do(action="Type", text="a (see "b")\nc")': 'a (see "b")\nc',
    'do(action="Type", text="他说“好”，然后走了")': "他说“好”，然后走了",
    'do(action="Type", text="hello")</answer>': "hello",
    'do(action="Type", text=hello world)': "hello world",
    'do(action="Type", text=你好，世界)': "你好，世界",
    'do(action="Type", text="f(x)", element=1)': "f(x)",
    'do(action="Type", text="a\\nb")': "a\nb",
    'do(action="Type", text="C:\\dir")': "C:\\dir",
    'do(action="Type", text=\'说"好"\')': '说"好"',
    'do(action="Type", text="finish(message=")")': "finish(message=",
    'do(action="Type", text="do(action=\\"Back\\")")': 'do(action="Back")',
    'do(action="Type", text="")': "",
    'do(action="Type", text=007)': "007",
    'do(action="Type", content="x")': "x",
    '<answer>do(action="Type", text="hello</answer>': "hello",
    '<answer>do(action="Type", text="hello)</answer>': "hello",
    '{"action": "Type", "text": "去哪里"吃饭"呀？"}': '去哪里"吃饭"呀？',
    '{"action": "Type", "text": "他说“好”，然后走了",}': "他说“好”，然后走了",
    '{"action": "Type", "text": "a "b", c"}': 'a "b", c',
    '{"action": "Type", "text": 6222021234567890123}': "6222021234567890123",
    '{"action": "Type", "text": 1.10}': "1.10",
    "{'action': 'Type', 'text': 'it's 5'}": "it's 5",
    '{"action": "Type", "text": "{\\"action\\": \\"finish\\"}"}': '{"action": "finish"}',
    '{"action": "Type", "text": "a\nb"}': "a\nb",
    'type("hello")': "hello",
    '输入(text="你好")': "你好",
}


@pytest.mark.parametrize("text", QUOTES)
def test_quotes_in_texts_are_kept_as_they_were_meant(text: str) -> None:
    for grammar in GRAMMARS:
        found = intent_of(read(grammar, text))
        assert isinstance(found, TypeText)
        assert found.text == QUOTES[text]


def test_an_answer_says_what_was_thought() -> None:
    found = read("autoglm", '<think>要打开"微信"</think><answer>do(action="Launch", app="微信")</answer>')
    assert found == Spoken('要打开"微信"', LaunchApp(app="微信"))
    assert read("json", '先看看\n```json\n{"thinking": "返回", "action": "Back"}\n```') == Spoken(
        "先看看\n返回", Press(key="BACK")
    )
    assert read("numbered", '{"thinking": "t", "action": "tap", "element": 2}') == Spoken(
        "t", TapAt(point=SHOWN.places[1].centre), 2
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"action": "Type", "text": "x", "action": "finish"}',
        '{"action": "finish", "message": "x", "action": "Back"}',
        '{"action": "Type", "text": "x", "action": "finish",}',
        'do(action="Type", text="x", action="finish")',
        'do(action="Type", text="a", text="b")',
        'finish(message="a", message="b")',
    ],
)
def test_what_is_given_twice_may_have_come_from_a_text_inside(text: str) -> None:
    for grammar in GRAMMARS:
        assert isinstance(read(grammar, text), Misread)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ('{"action": "tap(811, 188)"}', CASES["tap"].means),
        ('{"action": "do(action=\\"Tap\\", element=[811,188])"}', CASES["tap"].means),
        ('{"action": {"type": "tap", "element": [811, 188]}}', CASES["tap"].means),
        ('{"action": {"tap": {"x": 811, "y": 188}}}', CASES["tap"].means),
        ('{"action": "tap", "params": {"point": {"x": 811, "y": 188}}}', CASES["tap"].means),
        ('{"action": "click", "coordinate": "811, 188"}', CASES["tap"].means),
        ('{"action": "tap", "box": [801, 178, 821, 198]}', CASES["tap"].means),
        ('{"action": "tap", "element": ["811", "188"]}', CASES["tap"].means),
        ('{"action": "tap", "x": "81.1%", "y": 18.8}', None),
        ('{"action": "tap", "point": [0.811, 0.188]}', CASES["tap"].means),
        ('{"action": "tap", "point": ["81.1%", "18.8%"]}', CASES["tap"].means),
        ('{"thought": "x", "tap": {"point": [811, 188]}}', CASES["tap"].means),
        ('{"type": "tap", "point": [811, 188]}', CASES["tap"].means),
        ("click(point='<point>811 188</point>')", CASES["tap"].means),
        ("tap(x=811, y=188)", CASES["tap"].means),
        ("Tap([811, 188])", CASES["tap"].means),
        ('do("Tap", element=(811, 188))', CASES["tap"].means),
        ("do(action=Tap, element=811,188)", CASES["tap"].means),
        ('do(action="Tap" element=[811 188])', CASES["tap"].means),
        ("点击(811, 188)", CASES["tap"].means),
        ('{"动作": "点击", "坐标": [811, 188]}', CASES["tap"].means),
        ('{"action": "tap", "index": "#2"}', CASES["tap by number"].means),
        ('{"action": "tap", "element": "two"}', CASES["tap by number"].means),
        ('{"action": "tap", "element": "二"}', CASES["tap by number"].means),
        ('{"action": "tap", "element": [2]}', CASES["tap by number"].means),
        ('{"action": "tap", "element": {"id": 2}}', CASES["tap by number"].means),
        ("wait(3)", CASES["wait"].means),
        ('{"action": "wait", "duration": "三秒"}', CASES["wait"].means),
        ('{"action": "wait", "seconds": "three seconds"}', CASES["wait"].means),
        ('{"action": "wait", "duration": "3000 ms"}', CASES["wait"].means),
        ('{"action": "scroll", "direction": "down"}', CASES["swipe in a direction"].means),
        ('{"action": "swipe", "x1": 500, "y1": 800, "x2": 500, "y2": 200}', CASES["swipe"].means),
        ("drag(start_box='(500,800)', end_box='(500,200)')", CASES["swipe"].means),
        ("swipe([500,800], [500,200])", CASES["swipe"].means),
        ('{"action": "open_app", "app_name": "微信"}', CASES["launch"].means),
        ('open("微信")', CASES["launch"].means),
        ('press("KEYCODE_ENTER")', CASES["enter"].means),
        ('{"action": "press_enter"}', CASES["enter"].means),
        ("finished(content='任务完成 (2 项)')", CASES["finish"].means),
        ('{"action": "terminate", "status": "success", "message": "任务完成 (2 项)"}', CASES["finish"].means),
        ('{"action": "terminate", "status": "failure", "message": "没有网络"}', CASES["give up"].means),
        ('{"action": "fail", "reason": "没有网络"}', CASES["give up"].means),
        ('{"_metadata": "finish", "message": "任务完成 (2 项)"}', CASES["finish"].means),
    ],
)
def test_other_words_for_the_same_are_understood(text: str, means: object) -> None:
    for grammar in GRAMMARS:
        assert intent_of(read(grammar, text)) == means


@pytest.mark.parametrize(
    "message",
    [
        "无法完成：没有网络",
        "抱歉，我不能支付",
        "任务失败",
        "Sorry, it needs a log-in",
        "I could not find it",
        "Task failed: no network",
    ],
)
def test_a_message_that_begins_with_not_having_worked_is_a_failure(message: str) -> None:
    assert intent_of(read("autoglm", f'finish(message="{message}")')) == Finish(message=message, succeeded=False)
    assert intent_of(read("autoglm", f'finish(message="{message}", success=True)')) == Finish(message=message)
