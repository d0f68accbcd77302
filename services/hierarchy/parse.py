"""Reads the XML that `uiautomator dump` writes, and Appium's page source, with what shells and old phones add to it.

Tolerated: text before and after the document (`UI hierchary dumped to: ..`, a prompt), CR CR LF, no `hierarchy`,
several windows, missing attributes, siblings out of order, numeric references to surrogate halves (how Android 5 writes
emoji), a bare `&`. Refused, saying why: half a document, an empty answer, another platform, document types, excess.
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from lxml import etree

from services.hierarchy.build import MAX_DEPTH, Record, build
from services.hierarchy.errors import Defect, HierarchyError
from services.hierarchy.geometry import parse_bounds
from services.hierarchy.node import Tree

MAX_BYTES: Final = 8 * 1024 * 1024

_START = re.compile(r"<(?:\?xml|hierarchy|node|AppiumAUT|XCUIElementType|android\.|[A-Za-z_][\w$-]*\.[\w.$-]+[\s/>])")
_PROLOGUE = re.compile(r"\s*<\?xml[^>]*\?>\s*")
_SURROGATES = re.compile(
    r"&#(5[5-6]\d{3}|[xX][dD][89abAB][0-9a-fA-F]{2});&#(5[6-7]\d{3}|[xX][dD][c-fC-F][0-9a-fA-F]{2});"
)
_REFERENCE = re.compile(r"&#(?:(\d{1,8})|[xX]([0-9a-fA-F]{1,7}));")
_FORBIDDEN_CHARS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BARE_AMPERSAND = re.compile(r"&(?!(?:#\d+|#[xX][0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
NOT_ANDROID = "this is a page source of iOS (XCUIElementType..): Waymark reads Android hierarchies only"


def parse(document: str | bytes) -> Tree:
    """The hierarchy in `document`; a document without nodes is an empty Tree.

    Raises HierarchyError, whose `defect` tells a busy screen (dump again) from a document that will never do.
    """
    if len(document) > MAX_BYTES:
        raise HierarchyError(Defect.TOO_LARGE, f"the hierarchy has {len(document)} bytes, more than {MAX_BYTES}")
    text = document.decode("utf-8", errors="replace") if isinstance(document, bytes) else document
    markup = _cleaned(_markup(text))
    root = _xml(markup)
    if root.tag != "hierarchy":
        _refuse_other_platform(root.tag)
    windows = [_record(child) for child in root if isinstance(child.tag, str)]
    if len(windows) == 1 and windows[0] is None:
        windows = []
    return build([window for window in windows if window is not None], _rotation(root.get("rotation")))


def _markup(text: str) -> str:
    """The document alone, without what stands around it, under one `hierarchy` element."""
    start = _START.search(text)
    if start is None:
        _refuse_no_document(text)
    body = text[start.start() :]
    prologue = _PROLOGUE.match(body)
    if prologue is not None:
        body = body[prologue.end() :]
    end = body.rfind(">") + 1
    if not end or body.startswith("<?xml"):
        raise HierarchyError(
            Defect.TRUNCATED, f"the hierarchy breaks off at its beginning ({body[:60]!r}): dump it again"
        )
    closing = body.rfind("</hierarchy>")
    if body.startswith("<hierarchy"):
        head = body[: body.find(">") + 1]
        if head.endswith("/>"):
            return head
        if closing < 0:
            raise HierarchyError(
                Defect.TRUNCATED,
                f"the hierarchy breaks off after {len(text)} characters without </hierarchy>: dump it again",
            )
        return body[: closing + len("</hierarchy>")]
    return f"<hierarchy>{body[:end]}</hierarchy>"


def _refuse_no_document(text: str) -> NoReturn:
    said = " ".join(text.split())[:160]
    if not said:
        raise HierarchyError(Defect.EMPTY, "the hierarchy is empty: the phone wrote nothing, dump it again")
    if "idle state" in said:
        raise HierarchyError(Defect.NOT_IDLE, f"the screen does not come to rest ({said}): wait, then dump again")
    if "null root" in said:
        raise HierarchyError(Defect.NO_ROOT, f"no window has the focus ({said}): wait, then dump again")
    raise HierarchyError(Defect.MALFORMED, f"this is not a UI hierarchy: it begins with {said!r}")


def _cleaned(markup: str) -> str:
    """Without what XML forbids but Android writes."""
    if "<!DOCTYPE" in markup or "<!ENTITY" in markup:
        raise HierarchyError(Defect.FORBIDDEN, "the hierarchy declares a document type, which no dump of Android does")
    if "&#" in markup:
        markup = _REFERENCE.sub(_checked_reference, _SURROGATES.sub(_joined_surrogates, markup))
    return _FORBIDDEN_CHARS.sub("�", markup)


def _code(digits: str) -> int:
    return int(digits[1:], 16) if digits[0] in "xX" else int(digits)


def _joined_surrogates(found: re.Match[str]) -> str:
    high, low = _code(found[1]), _code(found[2])
    if 0xD800 <= high <= 0xDBFF and 0xDC00 <= low <= 0xDFFF:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return found[0]


def _checked_reference(found: re.Match[str]) -> str:
    code = int(found[1]) if found[1] else int(found[2], 16)
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return found[0] if allowed else "�"


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        remove_blank_text=True,
    )  # fmt: skip


def _xml(markup: str) -> etree._Element:
    try:
        return etree.fromstring(markup.encode(), _parser())
    except etree.XMLSyntaxError as error:
        if "depth" in str(error).lower():
            raise HierarchyError(Defect.TOO_DEEP, f"the hierarchy is nested deeper than {MAX_DEPTH} nodes") from error
        first_error = error
    try:
        return etree.fromstring(_BARE_AMPERSAND.sub("&amp;", markup).encode(), _parser())
    except etree.XMLSyntaxError:
        if _breaks_off(first_error):
            raise HierarchyError(
                Defect.TRUNCATED, f"the hierarchy is cut off in the middle ({first_error}): dump it again"
            ) from first_error
        raise HierarchyError(Defect.MALFORMED, f"the hierarchy is not well-formed XML: {first_error}") from first_error


def _breaks_off(error: etree.XMLSyntaxError) -> bool:
    said = str(error)
    return "Premature end" in said or "Opening and ending tag mismatch" in said or "EndTag" in said


def _refuse_other_platform(tag: str) -> NoReturn:
    if tag.startswith("XCUIElementType") or tag == "AppiumAUT":
        raise HierarchyError(Defect.NOT_ANDROID, NOT_ANDROID)
    raise HierarchyError(Defect.MALFORMED, f"this is not a UI hierarchy: its document element is <{tag}>")


def _record(element: etree._Element) -> Record | None:
    """The element with all below it, walked without recursion; None for an empty placeholder root."""
    if element.tag == "hierarchy" and not len(element):
        return None
    top = _one(element)
    pending = [(element, top)]
    while pending:
        source, record = pending.pop()
        for child in source:
            made = _one(child)
            record.children.append(made)
            if len(child):
                pending.append((child, made))
    return top


def _one(element: etree._Element) -> Record:
    tag = str(element.tag)
    if tag.startswith("XCUIElementType") or tag == "AppiumAUT":
        raise HierarchyError(Defect.NOT_ANDROID, NOT_ANDROID)
    given: dict[Any, Any] = dict(element.items())
    return Record(values_of(given, tag), _index(given.get("index")), parse_bounds(str(given.get("bounds", ""))))


def values_of(given: dict[Any, Any], tag: str = "node") -> tuple[Any, ...]:
    """The attributes of a dump as fields of Node, in their order. `tag` is the class where no attribute says it."""
    get = given.get
    return (
        get("class") or ("" if tag == "node" else tag),
        get("package") or "",
        get("resource-id") or "",
        get("text") or "",
        get("content-desc") or "",
        get("hint") or "",
        get("checkable") == "true",
        get("checked") == "true",
        get("clickable") == "true",
        get("enabled") != "false",
        get("focusable") == "true",
        get("focused") == "true",
        get("scrollable") == "true",
        get("long-clickable") == "true",
        get("password") == "true",
        get("selected") == "true",
        get("displayed") != "false" and get("visible-to-user") != "false",
    )


def _index(text: object) -> int | None:
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _rotation(text: str | None) -> int:
    return int(text) if text in ("0", "1", "2", "3") else 0
