"""The report as one HTML file: content, escaping, size."""

import html
import json
import re

import pytest
import report_fixture

from hfseq.comparison.report.html.figures.cost import pareto_svg
from hfseq.comparison.report.html.formats import cell_text, difference, interval, margin, p_value, show, tick
from hfseq.comparison.report.html.outputs import tag_spans, word_differences
from hfseq.comparison.report.html.page import render_html, summary_html
from hfseq.comparison.report.html.view import glance

NBSP, MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"
FIXTURES = ("classification", "forecasting", "tags", "texts", "captions", "hostile", "several")


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: render_html(getattr(report_fixture, name)()) for name in FIXTURES}


def tables(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="tables">(.*?)</script>', page, re.S)[1])


@pytest.mark.parametrize("name", FIXTURES)
def test_page_is_one_small_file_without_network(pages, name):
    page = pages[name]
    assert len(page.encode()) < 3_000_000
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page)
    assert "@import" not in page and "url(" not in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_page_shows_verdict_sections_and_figures_in_order(pages):
    page = pages["classification"]
    verdict = report_fixture.classification()["datasets"][0]["verdict"]
    assert html.escape(verdict["sentence"].split(". ")[0] + ".") in page and "Models within 0.01 of accuracy" in page
    titles = re.findall(r'<h2 id="[^"]+-title">([^<]+)</h2>', page)
    assert titles == [
        "Quality and cost", "All models", "Differences between models", "Learning curves", "Quality by input length",
        "Classes", "Probabilities", "Examples", "Checks", "How it was done",
    ]  # fmt: skip
    assert "0.868<small>0.851 to 0.885</small>" in page


def test_sections_without_data_are_absent():
    data = report_fixture.classification()
    dataset = data["datasets"][0]
    for key in ("costs", "pairs", "epochs", "train_sizes", "by_length", "confusion", "outputs", "checks"):
        del dataset[key]
    dataset |= {"class_scores": None, "reliability": {"models": []}, "precision_recall": None}
    titles = re.findall(r'<h2 id="[^"]+-title">([^<]+)</h2>', render_html(data))
    assert titles == ["All models", "How it was done"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("classification", "Decided"), ("tags", "Provisional"), ("hostile", "The data cannot tell")],
)
def test_page_names_the_status_of_the_verdict(pages, name, status):
    assert re.search(rf'<p class="status">.*?{status}</p>', pages[name], re.S)


def test_page_escapes_names_labels_and_texts(pages):
    page = pages["hostile"]
    assert report_fixture.HOSTILE not in page and "&lt;script&gt;alert(" in page
    assert "<b>out of memory" not in page
    assert len(re.findall(r"<script\b", page)) == 2
    assert tables(page)["banking77-confusion"]["rows"][0][0] == report_fixture.HOSTILE


def test_data_of_pictures_is_embedded_unrounded(pages):
    table = tables(pages["classification"])["sst2-cost"]
    assert table["columns"][:4] == ["model", "accuracy", "low", "high"]
    assert table["rows"][0][:4] == ["minilm", 0.868, 0.868 - 0.017, 0.868 + 0.017]
    keys = {"cost", "differences", "epochs", "labels", "length", "confusion", "class-scores", "reliability"}
    assert {f"sst2-{key}" for key in keys} <= set(tables(pages["classification"]))


def test_baseline_far_from_the_models_does_not_widen_the_axis():
    svg = pareto_svg(report_fixture.classification()["datasets"][0])
    assert "majority ↙ 0.502, 0.002 ms" in svg
    assert ">0.50<" not in svg and ">0.80<" in svg


def test_pareto_svg_rejects_unknown_cost():
    dataset = report_fixture.classification()["datasets"][0]
    assert pareto_svg(dataset, "size_on_disk_bytes") != pareto_svg(dataset)
    with pytest.raises(ValueError, match="latency_p50_ms, size_on_disk_bytes, train_seconds"):
        pareto_svg(dataset, "price")


def test_summary_is_a_fragment_with_escaped_names():
    text = summary_html(report_fixture.classification())
    assert text.startswith("<div") and "0.868" in text and "Choose minilm" in text
    assert report_fixture.HOSTILE not in summary_html(report_fixture.hostile())


def test_formats():
    share = {"value": 0.8733, "low": 0.851, "high": 0.8941}
    assert interval(share, "share") == f"87.3{NBSP}% (85.1 to 89.4)"
    assert cell_text({"value": 0.8733, "text": "given"}, "share") == "given"
    assert show(None, "share") == "\N{EN DASH}"
    assert show(-0.0123, "number") == f"{MINUS}0.0123"
    assert [show(412.0, "seconds"), show(91.2e6, "bytes"), show(1.34e6, "count")] == [
        "6 min 52 s",
        "91.2 MB",
        "1.34 M",
    ]
    assert [show(12.0, "joules"), show(3.2e6, "joules"), show(1850, "ms")] == ["12 J", "3.2 MJ", "1.85 s"]
    assert difference(0.0213, "share", 0.02) == "+2.1 points"
    assert difference(-0.0213, "share", 0.02, unit=False) == f"{MINUS}2.1"
    assert difference(0.0, "number") == "0"
    assert [margin(0.01, "share"), margin(0.005, "share"), margin(0.0071, "number")] == [
        "1 point", "0.5 points", "0.0071",
    ]  # fmt: skip
    assert [p_value(0.0001), p_value(0.016), p_value(0.4)] == ["p < 0.001", "p = 0.016", "p = 0.40"]
    assert [tick(0.85, "share", 0.05), tick(0.001, "number", 0.0005)] == [f"85{NBSP}%", "0.0010"]


def test_word_differences_keep_all_words():
    assert word_differences("a dog runs", "a cat runs fast") == [
        ("same", "a"), ("missing", "dog"), ("added", "cat"), ("same", "runs"), ("added", "fast"),
    ]  # fmt: skip
    assert word_differences("", "new") == [("added", "new")]
    assert word_differences("gone", "") == [("missing", "gone")]


def test_tag_spans_mark_wrong_entities():
    tokens = ["Angela", "Merkel", "visited", "Paris"]
    spans = tag_spans(tokens, ["O", "B-PER", "O", "B-LOC"], ["B-PER", "I-PER", "O", "B-LOC"], {})
    assert [(s["tokens"], s["tag"], s["wrong"]) for s in spans] == [
        ("Angela", "", True), ("Merkel", "PER", True), ("visited", "", False), ("Paris", "LOC", False),
    ]  # fmt: skip
    assert spans[0]["missed"] == "PER"


def test_tag_spans_of_plain_tags_are_single_tokens():
    spans = tag_spans(["the", "old", "man"], ["DET", "NOUN", "NOUN"], ["DET", "ADJ", "NOUN"], {"NOUN": "s1"})
    assert [(s["tokens"], s["tag"], s["color"], s["wrong"]) for s in spans] == [
        ("the", "DET", "", False), ("old", "NOUN", "s1", True), ("man", "NOUN", "s1", False),
    ]  # fmt: skip


def test_cards_name_the_models_that_the_verdict_calls_the_best():
    dataset = report_fixture.classification()["datasets"][0]
    baselines = [model["name"] for model in dataset["models"] if model["kind"] == "baseline"]
    by_quality = sorted(baselines, key=lambda name: next(
        model["quality"]["value"] for model in dataset["models"] if model["name"] == name
    ))  # fmt: skip
    assert {"Best baseline": by_quality[-1], "Recommended, best model": "minilm"} == roles(dataset)
    dataset["verdict"] |= {"best": "lstm", "baseline": by_quality[0]}  # on the validation split
    assert roles(dataset) == {"Recommended": "minilm", "Best model": "lstm", "Best baseline": by_quality[0]}


def roles(dataset) -> dict[str, str]:
    found = {card["role"]: card["name"] for card in glance(dataset)}
    return {role: name for role, name in found.items() if role != "Best of the others"}
