import re

import numpy as np
import pytest

from hfseq.data.builtin import BUILTINS, describe_builtin, load_builtin
from hfseq.data.builtin.promoters import BOX_10, BOX_35
from hfseq.data.builtin.seasonal import PERIODS
from hfseq.modalities.dna.fasta import check_dna


@pytest.mark.parametrize("name", ["digits-rows", "promoters", "seasonal"])
def test_numeric_builtins_are_reproducible(name):
    once, again = load_builtin(name), load_builtin(name)
    assert {split: data[:] for split, data in once.items()} == {split: data[:] for split, data in again.items()}
    assert describe_builtin(name).startswith(f"builtin:{name}, ")


def test_digits_rows_are_distinct_and_stratified():
    splits = load_builtin("digits-rows")
    assert splits.num_rows == {"train": 1197, "validation": 300, "test": 300}
    images = [np.array(splits[split]["series"][:]) for split in splits]
    assert {image.shape[1:] for image in images} == {(8, 8)} and (images[0].min(), images[0].max()) == (0, 16)
    assert len({image.tobytes() for image in np.concatenate(images)}) == 1797
    for split in splits.values():
        assert split.features["label"].names == list("0123456789")
        assert np.bincount(split["label"][:]).min() >= 0.09 * len(split)
    assert BUILTINS["digits-rows"].modality == "series"


def test_promoters_contain_boxes_and_background_the_same_letters():
    splits = load_builtin("promoters")
    assert splits.num_rows == {"train": 1400, "validation": 300, "test": 300}
    sequences = [sequence for split in splits.values() for sequence in split["sequence"]]
    labels = np.array([label for split in splits.values() for label in split["label"]])
    check_dna(sequences, "promoters")
    assert len(set(sequences)) == len(sequences) == 2 * labels.sum()
    boxes = re.compile(f"{BOX_35}.{{16,18}}{BOX_10}")
    found = np.array([bool(boxes.search(sequence)) for sequence in sequences])
    # Both boxes are unmutated in 0.88**12 of the promoters; the shuffled sequences contain no such pair.
    assert found[labels == 1].mean() == pytest.approx(0.88**12, abs=0.04) and not found[labels == 0].any()
    counts = np.array([[sequence.count(letter) / len(sequence) for letter in "ACGT"] for sequence in sequences])
    np.testing.assert_allclose(counts[labels == 1].mean(0), counts[labels == 0].mean(0), atol=0.01)
    assert "synthetic" in describe_builtin("promoters")


def test_seasonal_series_repeat_their_seasons():
    splits = load_builtin("seasonal")
    assert list(splits) == ["train"] and "synthetic" in describe_builtin("seasonal")
    series = np.array(splits["train"]["series"][:])
    assert series.shape == (20, 560, 3) and np.isfinite(series).all()
    errors = {lag: np.abs(series[:, lag:] - series[:, :-lag]).mean() for lag in (1, *PERIODS)}
    assert errors[PERIODS[1]] < 0.5 * min(errors[1], errors[PERIODS[0]])
