"""Exports of comparisons."""

import csv
import xml.etree.ElementTree as ET

import pytest

from hfseq.comparison.collect import collect
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.report.exports import escape_latex, figure_rows, save_pictures, to_text
from hfseq.errors import HfseqError


@pytest.fixture
def comparison(make_result, tmp_path):
    results = [make_result("lstm_small", seed, right=[True, False, True, seed == 0]) for seed in (0, 1)]
    results += [make_result("gru", 0, accuracy=0.5, error="out of memory", record=False)]
    results += [make_result("minilm", seed, right=[True, True, True, True]) for seed in (0, 1)]
    content = collect(results)
    content["models"]["minilm"]["costs"]["size_on_disk_bytes"] = 90_000_000
    content["models"]["lstm_small"]["metrics"]["accuracy"]["interval"] = [0.4, 0.8]
    content["models"]["majority"] = {
        "kind": "baseline", "status": "finished", "metrics": {"accuracy": {"mean": 0.5, "std": None, "values": [0.5]}},
        "validation_metrics": {}, "costs": {"size_on_disk_bytes": 10}, "cost_intervals": {}, "runs": [],
    }  # fmt: skip
    return Comparison(content, tmp_path, results)


def test_csv_has_all_figures_with_their_intervals(comparison):
    rows = list(csv.DictReader(to_text([comparison], "csv").splitlines()))
    assert list(rows[0]) == ["dataset", "model", "kind", "split", "figure", "value", "low", "high", "std", "seeds"]
    found = {(row["model"], row["split"], row["figure"]): row for row in rows}
    test = found["lstm_small", "test", "accuracy"]
    assert (test["value"], test["low"], test["high"], test["seeds"]) == ("0.625", "0.4", "0.8", "2")
    assert found["minilm", "validation", "accuracy"]["value"] == "1.01"
    cost = found["minilm", "", "size_on_disk_bytes"]
    assert (cost["value"], cost["low"], cost["kind"], cost["dataset"]) == ("90000000", "", "model", "reviews")
    assert found["majority", "test", "accuracy"]["kind"] == "baseline"
    assert len(rows) == len(figure_rows(comparison))


def test_markdown_is_that_of_the_comparison(comparison):
    assert to_text([comparison, comparison], "md").count("# Comparison") == 2


def test_latex_escapes_names_and_sets_the_best_in_bold(comparison):
    text = to_text([comparison], "latex")
    lines = text.splitlines()
    assert r"\toprule" in lines and lines.count(r"\midrule") == 2 and r"\label{tab:reviews}" in lines
    row = next(line for line in lines if line.startswith("minilm &"))
    assert r"\textbf{1.00} (0.28 to 1.00)" in row and row.endswith(r"\\")
    small = next(line for line in lines if line.startswith(r"lstm\_small &"))
    assert r"0.62 (0.40 to 0.80)" in small and r"\textbf" not in small
    assert r"\textbf{10 B}" in next(line for line in lines if line.startswith("majority"))
    assert next(line for line in lines if line.startswith("gru &")).count("--") >= 2
    assert lines.index(next(line for line in lines if line.startswith("majority"))) > lines.index(r"\midrule")
    assert (
        escape_latex("a_b & 5% #{x}~^\\") == r"a\_b \& 5\% \#\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}"
    )


def test_pictures_are_svg_files(comparison, tmp_path):
    written = save_pictures([comparison], tmp_path / "pictures")
    assert written and all(path.name.startswith("reviews-") for path in written)
    for path in written:
        assert ET.fromstring(path.read_text()).tag == "{http://www.w3.org/2000/svg}svg"


def test_python_draws_and_saves(comparison, tmp_path):
    picture = comparison.plot_pareto("size_on_disk_bytes")
    assert picture._repr_svg_().startswith("<svg") and "minilm" in picture.svg
    assert picture.save(tmp_path / "pareto.svg").read_text() == picture.svg
    with pytest.raises(HfseqError, match="no cost 'colour'"):
        comparison.plot_pareto("colour")
    assert comparison.save_html() == tmp_path / "report.html"
    page = comparison.save_html(tmp_path / "elsewhere" / "page.html").read_text()
    assert (
        page == (tmp_path / "report.html").read_text()
        and "lstm_small" in page
        and "http://" not in page.replace("http://www.w3.org", "")
    )
    assert "<table" in comparison._repr_html_() and "minilm" in comparison._repr_html_()
