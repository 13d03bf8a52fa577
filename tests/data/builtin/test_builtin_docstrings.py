import importlib.metadata
import threading

import pytest
from datasets import DatasetDict

from hfseq.data.builtin import builtin_names, describe_builtin, docstrings, load_builtin
from hfseq.errors import HfseqError


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    return load_builtin("docstrings", cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_docstrings_description_lists_the_libraries():
    assert "docstrings" in builtin_names()
    for name in ("numpy", "pandas", "scipy", "scikit-learn"):
        assert f"{name} {importlib.metadata.version(name)}" in describe_builtin("docstrings")
    with pytest.raises(HfseqError, match=r"no built-in data set 'nothing': choose from .*'docstrings'"):
        describe_builtin("nothing")


def test_docstrings_have_documented_sizes_and_labels(splits):
    assert list(splits) == ["train", "validation", "test"]
    assert 9_000 < sum(splits.num_rows.values()) < 15_000
    assert splits["train"].num_rows / sum(splits.num_rows.values()) == pytest.approx(0.8, abs=0.02)
    for split in splits.values():
        assert split.features["label"].names == ["numpy", "pandas", "scipy", "sklearn"]
        assert set(split["label"]) == {0, 1, 2, 3}


def test_docstrings_are_distinct_and_contain_no_library_names(splits):
    texts = [text for split in splits.values() for text in split["text"]]
    assert len({" ".join(text.lower().split()) for text in texts}) == len(texts)
    assert not [text for text in texts for name in ("numpy", "scipy", "pandas", "sklearn") if name in text.lower()]
    assert not [text for text in texts if "np." in text.split() or len(text.split()) < 3]
    assert any("[LIB]" in text for text in texts)


def test_docstrings_are_loaded_from_the_cache(splits, tmp_path, monkeypatch):
    monkeypatch.setattr(docstrings, "build", lambda: DatasetDict({"train": splits["train"].select(range(3))}))
    assert docstrings.load(str(tmp_path)).num_rows == {"train": 3}
    monkeypatch.setattr(docstrings, "build", lambda: pytest.fail("built twice"))
    assert docstrings.load(str(tmp_path)).num_rows == {"train": 3}


def test_docstrings_can_be_built_by_two_threads_at_once(splits, tmp_path, monkeypatch):
    barrier = threading.Barrier(2, timeout=30)

    def build():
        barrier.wait()
        return DatasetDict({"train": splits["train"].select(range(3))})

    monkeypatch.setattr(docstrings, "build", build)
    loaded = []
    threads = [threading.Thread(target=lambda: loaded.append(docstrings.load(str(tmp_path)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [splits.num_rows for splits in loaded] == [{"train": 3}, {"train": 3}]
    assert not list(tmp_path.rglob(".partial-*"))


def test_docstrings_reject_a_missing_library(monkeypatch):
    monkeypatch.setitem(docstrings.LIBRARIES, "no_such_module", "no-such-library")
    with pytest.raises(HfseqError, match="needs no-such-library, which is not installed"):
        docstrings.describe()


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Return the mean.\n\nMore text.", "Return the mean."),
        ("Compute the mean\nof an array. It is slow.", "Compute the mean of an array."),
        ("mean(a, axis=None) -> out\n\nCompute the mean.", "Compute the mean."),
        ("Use e.g. The median. Or not.", "Use e.g. The median."),
        ("Like ``np.mean`` of NumPy and :func:`~pandas.mean`.", "Like [LIB].mean of [LIB] and [LIB].mean."),
        ("Solve an NP-hard problem with npz files.", "Solve an NP-hard problem with npz files."),
        ("Parameters\n----------\nx : int", ""),
        (".. deprecated:: 1.0\n\nReturn x.", "Return x."),
        ("", ""),
    ],
)
def test_summary_is_the_first_sentence_without_markup(docstring, expected):
    assert docstrings.summary(docstring) == expected
