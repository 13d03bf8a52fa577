"""Comparisons that are made again from folders."""

import json

import pytest

from hfseq.comparison.collect import FORMAT_VERSION, collect
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.gathering import gather
from hfseq.comparison.variants import parse_run_folder, run_folder
from hfseq.errors import HfseqError


@pytest.fixture
def saved(make_result, tmp_path):
    """Writes the records of runs, and returns their results."""

    def write(*runs, **more):
        results = [make_result(name, seed, **more) for name, seed in runs]
        for result in results:
            result.record.save(result.folder)
        return results

    return write


@pytest.mark.parametrize("variant", [{}, {"fold": 2}, {"repeat": 1, "fold": 3}, {"train_size": 300}, {"trial": 7}])
def test_variants_are_read_from_folders(variant):
    parts = run_folder("lstm", 4, variant).parts
    assert parse_run_folder(parts) == ("lstm", variant)
    assert parse_run_folder(("baselines", *parts)) == ("lstm", variant)
    assert parse_run_folder(("seed-0",)) == (None, {})


def test_an_interrupted_comparison_is_made_from_its_runs(saved, tmp_path):
    saved(("lstm", 10), ("lstm", 2), ("gru", 2))
    (found,) = gather([tmp_path])
    assert [(run.name, run.seed) for run in found.runs] == [("gru", 2), ("lstm", 2), ("lstm", 10)]
    assert found.folder == tmp_path and found["seeds"] == [2, 10] and found.recommended in ("lstm", "gru")


def test_a_finished_comparison_is_loaded_as_it_is(saved, tmp_path):
    results = saved(("lstm", 0))
    content = {**collect(results), "notes": ["kept as it is"]}
    (tmp_path / "comparison.json").write_text(json.dumps(content))
    (found,) = gather([tmp_path])
    assert found["notes"] == ["kept as it is"] and found.runs[0].finished
    # Its parent, and the same folder twice.
    assert [one.folder for one in gather([tmp_path.parent / tmp_path.name, tmp_path])] == [tmp_path]


@pytest.mark.parametrize("damage", ["an earlier version", "a damaged file"])
def test_a_comparison_is_made_again_with_what_it_knew(damage, saved, tmp_path):
    results = saved(("lstm", 0), ("gru", 0))
    content = collect(results)
    content["models"]["lstm"]["costs"]["latency_p50_ms"] = 3.5
    content["models"]["minilm"] = {"status": "unavailable", "reason": "no", "metrics": {}, "costs": {}, "runs": []}
    content["format_version"] = FORMAT_VERSION - 1
    (tmp_path / "comparison.json").write_text(json.dumps(content) if damage == "an earlier version" else "{")
    (found,) = gather([tmp_path])
    assert found["format_version"] == FORMAT_VERSION and len(found.runs) == 2
    if damage == "an earlier version":
        assert found["models"]["lstm"]["costs"]["latency_p50_ms"] == 3.5
        assert found["models"]["minilm"]["status"] == "unavailable"


def test_a_comparison_of_a_newer_version_is_refused(tmp_path):
    (tmp_path / "comparison.json").write_text(json.dumps({"format_version": FORMAT_VERSION + 1, "models": {}}))
    with pytest.raises(HfseqError, match="this hfseq reads up to"):
        gather([tmp_path])


def test_single_runs_are_grouped_by_their_data(saved, tmp_path):
    first, second = saved(("lstm", 0), ("gru", 1))
    (other,) = saved(("rnn", 0), data={"fingerprint": "other"})
    found = gather([first.folder, second.folder, other.folder])
    assert [sorted(one["models"]) for one in found] == [["gru", "lstm"], ["rnn"]]


def test_comparisons_of_the_same_data_become_one(saved, make_result, tmp_path):
    for number, names in enumerate((["lstm", "gru"], ["lstm"])):
        results = saved(*((name, 0) for name in names))
        folder = tmp_path / f"machine-{number}"
        for result in results:
            (folder / result.name).parent.mkdir(exist_ok=True)
            result.folder.parent.rename(folder / result.name)
        content = collect(results)
        content["models"]["lstm"]["costs"]["latency_p50_ms"] = number + 1.0
        (folder / "comparison.json").write_text(json.dumps(content))
    (found,) = gather([tmp_path / "machine-0", tmp_path / "machine-1"])
    assert list(found["models"]) == ["lstm", "gru", "lstm (machine-1)"]
    assert found["models"]["lstm (machine-1)"]["costs"]["latency_p50_ms"] == 2.0
    assert isinstance(found, Comparison) and found.folder == tmp_path
    # The parent of several comparisons stands for all of them.
    (again,) = gather([tmp_path])
    assert again["models"].keys() == found["models"].keys()


def test_folders_without_runs_are_refused(tmp_path):
    with pytest.raises(HfseqError, match="there are no runs in"):
        gather([tmp_path])
    with pytest.raises(HfseqError, match="there is no folder"):
        gather([tmp_path / "missing"])
    (tmp_path / "comparison.json").write_text("[]")
    with pytest.raises(HfseqError, match="there are no runs beside it"):
        gather([tmp_path])
