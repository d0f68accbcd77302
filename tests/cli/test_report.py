"""The report as a file: whole, self-contained, harmless, small, always the same."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from services.cli.report.graph import lay_out
from services.cli.report.model import Edge, Report
from services.cli.report.page import render
from services.cli.report.pictures import shrink
from tests.cli import reports

LARGEST_BYTES = 15_000_000


class Page(HTMLParser):
    """Tags, attributes and texts of a page; complains about tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture(scope="module")
def report() -> Report:
    return reports.report(20, steps=40)


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return render(report)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_every_screen_element_and_step_is_there_once_and_every_link_leads_somewhere(report: Report, page: Page) -> None:
    wanted = [f"screen-{screen.number}" for screen in report.screens]
    wanted += [f"e{screen.number}-{one.number}" for screen in report.screens for one in screen.elements]
    wanted += [f"step-{step.number}" for step in report.steps]
    assert len(page.ids) == len(set(page.ids))
    assert set(wanted) <= set(page.ids)
    links = {str(attributes["href"]) for tag, attributes in page.tags if tag in {"a", "use"}}
    assert {link for link in links if not link.startswith("#")} == set()
    assert {link[1:] for link in links} <= set(page.ids)


def test_hostile_texts_are_shown_and_do_nothing(page: Page, html: str) -> None:
    assert page.count("script") == 1
    assert page.count("iframe") == page.count("img") == 0
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    text = "".join(page.texts)
    for hostile in reports.HOSTILE[:5]:
        assert hostile in text
    assert "支付" in text
    assert not re.search(r"[\x00\x1b\u202e]", html)


def test_the_page_needs_nothing_and_lets_only_its_own_script_run(page: Page, html: str) -> None:
    policy = next(
        a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src 'sha256-" in policy
    assert "unsafe-eval" not in policy
    sources = [a[name] for _, a in page.tags for name in ("src", "href") if a.get(name)]
    assert all(str(source).startswith(("#", "data:image/webp;base64,")) for source in sources)
    assert "@import" not in html
    assert "url(http" not in html


def test_each_picture_is_in_the_file_once(report: Report, page: Page) -> None:
    pictures = {screen.picture.uri for screen in report.screens if screen.picture.uri}
    assert page.count("image") == len(pictures)
    assert page.count("use") > 2 * len(pictures)


def test_a_hundred_screens_and_a_thousand_steps_stay_below_the_limit() -> None:
    large = reports.report(100, steps=1000)
    picture = large.screens[0].picture
    assert picture.uri is not None
    assert len(render(large).encode()) + 100 * 60_000 < LARGEST_BYTES  # room for pictures fuller than these


def test_equal_reports_give_equal_pages(html: str) -> None:
    assert render(reports.report(20, steps=40)) == html


def test_a_run_that_found_nothing_has_a_page_too(report: Report) -> None:
    bare = Report(
        run=replace(report.run, activities_declared=(), ended_at=None, reason=None), screens=(), edges=(), steps=()
    )
    assert "still running" in "".join(Page(render(bare)).texts)


def test_pictures_become_small_and_what_is_no_picture_is_left_out() -> None:
    uri = shrink(reports.png(1), 240)
    assert uri is not None
    assert reports.data_uri_size(uri) < 12_000
    assert shrink(b"\x89PNG\r\n\x1a\nbroken", 240) is None
    assert shrink(b"", 240) is None


def test_nodes_do_not_overlap_and_columns_follow_the_distance(report: Report) -> None:
    graph = lay_out(report.screens, report.edges)
    assert {node.screen.number for node in graph.nodes} == {screen.number for screen in report.screens}
    for one in graph.nodes:
        for other in graph.nodes:
            if one is not other and one.x == other.x:
                assert one.y + one.height <= other.y or other.y + other.height <= one.y
    assert min(graph.nodes, key=lambda node: node.x).screen.number == 1
    assert all(0 <= node.x <= graph.width and 0 <= node.y <= graph.height for node in graph.nodes)


def test_a_screen_that_nothing_leads_to_is_drawn_as_well(report: Report) -> None:
    alone = [Edge(1, 2, ("tap",), 1, 1, True)]
    assert len(lay_out(report.screens[:3], alone).nodes) == 3
    assert lay_out((), ()).nodes == ()
