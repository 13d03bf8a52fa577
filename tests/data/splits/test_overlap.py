"""Detection of equal examples: texts, numbers, images."""

import datetime

import numpy as np
import pytest
from datasets import Dataset, DatasetDict, Features, Image

from hfseq.data.labels.columns import Columns
from hfseq.data.splits.completion import complete_splits, fingerprint_splits
from hfseq.data.splits.overlap import content_key, count_overlap, overlap_notes
from hfseq.registry import get_modality


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("two  words\n", " two words"),
        (None, " \t"),
        ([[1.0, None], [2.0, 0.5]], [[1.0, None], [2.0, 0.5]]),
        ([[float("nan")]], [[float("nan")]]),
        ({"array": [0.1, 0.2], "sampling_rate": 8}, {"array": [0.1, 0.2], "sampling_rate": 8}),
        ([["", "a"]], [["", "".join(["a"])]]),
        ([datetime.date(2024, 2, 29)], [datetime.date(2024, 2, 29)]),
    ],
)
def test_content_keys_of_equal_examples_are_equal(one, other):
    assert content_key(one) == content_key(other)


def test_content_keys_do_not_depend_on_object_identity():
    """An example that contains one list object twice is equal to an example with two equal lists."""
    step, word = [1.0, 2.0], "".join(["wor", "d"])
    assert content_key([step, step, word, word]) == content_key([[1.0, 2.0], [1.0, 2.0], "word", "wo" + "rd"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Word", "word"),
        ([[1.0], [2.0]], [[1.0, 2.0]]),
        ([[1.0], [None]], [[1.0], [0.0]]),
        ([60, 64], [64, 60]),
        ({"array": [0.1], "sampling_rate": 8}, {"array": [0.1], "sampling_rate": 16}),
        ([datetime.date(2024, 2, 29)], [datetime.date(2024, 3, 1)]),
    ],
)
def test_content_keys_of_different_examples_differ(one, other):
    assert content_key(one) != content_key(other)


def series(*values):
    return Dataset.from_dict({"series": [[[value], [0.5]] for value in values], "label": [0] * len(values)})


def test_overlap_of_series_compares_their_numbers():
    splits = DatasetDict({"train": series(1.0, 2.0, 1.0, 3.0), "test": series(3.0, 4.0)})
    assert count_overlap(splits["train"], splits["test"], ["series"]) == 1
    assert overlap_notes(splits, ["series"], "content") == [
        "1 of 2 (50.0 %) test examples also occurs in the training split: the test score is too optimistic, because "
        "the model may have memorised them",
        "1 of 4 (25.0 %) training examples repeats the content of an earlier one",
    ]


def test_equal_series_are_in_the_same_split():
    train = series(*(float(number % 20) for number in range(60)))
    splits, _ = complete_splits(
        DatasetDict({"train": train}), label_column=None, text_columns=["series"], stratify=False
    )
    assert [len(splits[name]) for name in ("validation", "test")] == [6, 6]
    assert not any(count_overlap(splits["train"], splits[name], ["series"]) for name in ("validation", "test"))


def test_fingerprint_depends_on_every_number():
    found = {
        fingerprint_splits(DatasetDict({"train": data}), ["series"])
        for data in (series(1.0, 2.0), series(1.0, 2.5), series(2.0, 1.0), series(1.0, 2.0))
    }
    assert len(found) == 3


def test_overlap_of_images_compares_their_pixels():
    pillow = pytest.importorskip("PIL.Image")
    black, white = (pillow.fromarray(np.full((2, 3), shade, dtype=np.uint8)) for shade in (0, 255))
    rows = Dataset.from_dict({"image": [black, white, black, white]}, Features({"image": Image()}))
    splits = DatasetDict({"train": rows.select([0, 1]), "test": rows.select([2])})
    assert count_overlap(splits["train"], splits["test"], ["image"]) == 1
    assert count_overlap(rows.select([0]), rows.select([1, 3]), ["image"]) == 0
    again = DatasetDict({"train": rows.select([2, 3]), "test": rows.select([0])})
    other = DatasetDict({"train": rows.select([0, 0]), "test": rows.select([0])})
    prints = [fingerprint_splits(found, ["image"]) for found in (splits, again, other)]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("name", ["image", "video", "frames"])
def test_overlap_of_files_compares_their_content(tmp_path, name):
    """Files with the same content in different folders are equal examples; a changed file is a different example."""
    pillow = pytest.importorskip("PIL.Image")
    modality = get_modality("image" if name == "image" else "video")

    def write(folder, shade):
        path = tmp_path / folder / {"image": "a.png", "video": "a.npy", "frames": "a"}[name]
        pixels = np.full((2, 3), shade, dtype=np.uint8)
        path.parent.mkdir(exist_ok=True)
        if name == "video":
            np.save(path, pixels[None])
            return str(path)
        files = [path]
        if name == "frames":
            path.mkdir(exist_ok=True)
            files = [path / "1.png", path / "2.png"]
        for number, file in enumerate(files):
            pillow.fromarray(pixels + np.uint8(number)).save(file)
        return str(path)

    def read(*paths):
        split = modality.check(Dataset.from_dict({"file": list(paths)}), Columns("file"), "here")
        return modality.check(split, Columns("file"), "here")  # once is enough

    one, same, other = write("one", 7), write("same", 7), write("other", 9)
    assert count_overlap(read(one, other), read(same), ["file"]) == 1
    before = fingerprint_splits(DatasetDict({"train": read(one)}), ["file"])
    assert before == fingerprint_splits(DatasetDict({"train": read(same)}), ["file"])
    write("one", 9)
    assert before != fingerprint_splits(DatasetDict({"train": read(one)}), ["file"])


def test_content_key_of_an_image_is_a_digest_of_its_bytes():
    one, other = ({"bytes": b"abc", "path": path} for path in ("a.png", None))
    assert content_key(one) == content_key(other) != content_key({"bytes": b"abd", "path": "a.png"})
