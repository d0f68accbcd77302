"""Calls of functions in the tags that chat templates of some models write, where the endpoint left them in the text:
`tap<arg_key>element</arg_key><arg_value>[1, 2]</arg_value>`, `<function=tap><parameter=element>[1, 2]</parameter>`.
"""

from __future__ import annotations

import re
from typing import Any

from services.llm_gateway.grammars.literals import NotReadableError, Reader
from services.llm_gateway.grammars.names import act_of
from services.llm_gateway.grammars.said import Said

_BEGINS = re.compile(r"<function=(?P<function>\w{1,40})>|(?P<name>\w{1,40})\s{0,9}(?=<arg_key>)")
_PAIR = re.compile(
    r"\s{0,9}(?:<arg_key>(?P<key>\w{1,40})</arg_key>\s{0,9}<arg_value>(?P<value>(?:[^<]|<(?!/?arg_))*)</arg_value>"
    r"|<parameter=(?P<parameter>\w{1,40})>(?P<given>(?:[^<]|<(?!/?param))*)</parameter>)"
)
_ENDS = re.compile(r"\s{0,9}</function>")


def tagged_calls(text: str) -> list[Said]:
    """Every call in such tags, in order. One whose last argument does not end was cut off."""
    found: list[Said] = []
    for begun in _BEGINS.finditer(text):
        name = begun["function"] or begun["name"]
        if act_of(name) is None:
            continue
        arguments: dict[str, Any] = {}
        at = begun.end()
        while (pair := _PAIR.match(text, at)) is not None:
            arguments[pair["key"] or pair["parameter"]] = _value(pair["value"] or pair["given"] or "")
            at = pair.end()
        ends = _ENDS.match(text, at)
        whole = text[at : at + 40].lstrip()[:4] not in {"<arg", "<par"}
        found.append(Said(name, arguments, begun.start(), ends.end() if ends is not None else at, whole, whole))
    return found


def _value(written: str) -> Any:
    """JSON where it is an object, a list or a text in quotes; else the text as it stands."""
    plain = written.strip()
    if plain[:1] in {"{", "["}:
        try:
            return Reader(plain).json()
        except NotReadableError:
            return plain
    is_quoted = len(plain) > 1 and plain[0] == plain[-1] == '"'
    return plain[1:-1] if is_quoted else written.strip("\r\n")
