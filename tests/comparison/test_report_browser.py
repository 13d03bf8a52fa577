"""The report in a browser: script, sizes of the window, dark colours, print, accessibility."""

import json
import shutil
import xml.etree.ElementTree as ET

import pytest
import report_fixture

from hfseq.comparison.report.html.page import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
FIXTURES = ("classification", "forecasting", "tags", "texts", "captions", "hostile", "several")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    for name in FIXTURES:
        (folder / f"{name}.html").write_text(render_html(getattr(report_fixture, name)()), encoding="utf-8")
    return folder


@pytest.fixture
def open_page(browser, files):
    """Opens a report. The test fails if the page writes to the console or asks for anything from the network."""
    problems, contexts = [], []

    def open_(name, width=1400, **settings):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **settings)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(4000)
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: (problems.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: request.url[:5] not in ("file:", "data:", "blob:") and problems.append(request.url),
        )
        page.goto((files / f"{name}.html").as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


def names(page):
    return page.locator("table[data-table] tbody tr:visible").evaluate_all("rows => rows.map(r => r.dataset.model)")


def several(names, quick):
    """The fixtures as parameters; only the quick ones belong to the default run."""
    return [pytest.param(name, marks=[] if name in quick else [pytest.mark.slow]) for name in names]


@pytest.mark.parametrize("name", several(FIXTURES, ("classification", "hostile")))
def test_page_fits_wide_and_narrow_windows(open_page, name):
    page = open_page(name)
    for width in (1400, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.locator("h1").is_visible()


def test_table_sorts_by_every_column_type(open_page):
    page = open_page("classification")
    first = names(page)
    assert first[0] == "minilm" and first[-1] == "majority"
    page.get_by_role("button", name="latency p50").click()
    assert names(page)[:2] == ["majority", "tfidf-logistic"]
    header = page.locator("th", has=page.get_by_role("button", name="latency p50"))
    assert header.get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="latency p50").press("Enter")
    assert names(page)[0] == "minilm" and header.get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="model", exact=True).click()
    assert names(page) == sorted(names(page)) and page.locator("[aria-sort]").count() == 1
    page.get_by_role("button", name="trials").click()
    assert set(names(page)[-2:]) == {"tfidf-logistic", "majority"}  # no value: last


def test_table_is_filtered(open_page):
    page = open_page("classification")
    page.get_by_label("Filter").fill("lstm")
    assert names(page) == ["lstm"] and page.get_by_text("1 of 6 models").is_visible()
    page.get_by_label("Filter").fill("")
    page.get_by_label("baselines").uncheck()
    assert len(names(page)) == 4


def test_reader_chooses_the_cost_with_the_keyboard(open_page):
    page = open_page("classification")
    shown = "#fig-sst2-cost .panel:visible svg[aria-label]:visible"
    assert "latency" in page.locator(shown).get_attribute("aria-label")
    page.get_by_role("radio", name="latency").press("ArrowRight")
    assert page.locator(shown).count() == 1 and "size on disk" in page.locator(shown).get_attribute("aria-label")


def test_points_are_read_with_pointer_and_keyboard(open_page):
    page = open_page("classification")
    mark = page.locator("#fig-sst2-cost .wide g.mark[data-model='lstm']:visible").first
    mark.scroll_into_view_if_needed()
    # The text is hidden while the page scrolls: the events of the scrolling come first.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    mark.hover(force=True)
    assert page.locator("#tip").is_visible() and "lstm" in page.locator("#tip").text_content()
    assert page.locator("tr[data-model='lstm'].focus").count() == 1
    plot = page.locator("#fig-sst2-cost .plot.wide").first
    plot.press("ArrowRight")
    assert page.locator("#announce").text_content().startswith("minilm")
    plot.press("ArrowRight")
    assert page.locator("#announce").text_content().startswith("minilm-frozen")


def test_downloads(open_page, tmp_path):
    page = open_page("classification")
    figure = page.locator("#fig-sst2-cost")
    found = {}
    for kind in ("CSV", "JSON", "SVG"):
        with page.expect_download() as download:
            figure.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename == f"sst2-cost.{kind.lower()}"
        download.value.save_as(tmp_path / kind)
        found[kind] = (tmp_path / kind).read_text(encoding="utf-8")
    assert found["CSV"].splitlines()[1].startswith("minilm,0.868,")
    assert json.loads(found["JSON"])[0]["accuracy"] == 0.868
    root = ET.fromstring(found["SVG"])
    assert root[0].get("fill") == "#ffffff" and any(node.text == "minilm" for node in root.iter())


def test_colours_follow_the_system_and_the_button(open_page):
    page = open_page("tags", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    button = page.get_by_role("button", name="Colours")
    button.click()
    assert "Light" in button.text_content() and page.evaluate(background) == "rgb(255, 255, 255)" != dark
    button.click()
    assert page.evaluate(background) == dark


def test_page_works_without_script(open_page):
    page = open_page("classification", java_script_enabled=False)
    assert page.locator("table.models").is_visible() and page.locator("#fig-sst2-cost svg:visible").count() == 1
    assert not page.get_by_label("Filter").is_visible()
    page.get_by_role("radio", name="size on disk").check()
    assert page.locator("#fig-sst2-cost .panel").nth(1).is_visible()


def test_page_prints_all_panels_in_light_colours(open_page):
    page = open_page("classification", width=700, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator("#fig-sst2-cost .panel:visible").count() == 3
    assert page.locator(".contents").is_hidden() and page.locator(".plot.narrow:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 700
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", several(FIXTURES, ("tags",)))
def test_axe_finds_no_violations(open_page, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(node => node.open = true)")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
