"""Batches of features, images and sequence labels: the store equals the collator, for every processor."""

import pickle

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, List, Value, concatenate_datasets
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.processor_pair import ProcessorPair
from hfseq.data.batching.sequence_store import SequenceStore, find_obstacle
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.training.store_cache import StoreCache

SIZES = [3, 1, 4, 2, 4]
BATCHES = [[0, 1, 2, 3, 4], [4, 1], [2], [1, 3, 1], [-1, 0], [-2]]
SIDES = pytest.mark.parametrize("side", ["right", "left"])


class Steps(SequenceFeatureExtractor):
    model_input_names = ["input_features", "attention_mask"]  # noqa: RUF012


class UnmaskedSteps(SequenceFeatureExtractor):
    model_input_names = ["input_features"]  # noqa: RUF012


class OwnSteps(Steps):
    """A feature extractor with its own padding method, which pads with the last step."""

    def _pad(self, processed_features, max_length=None, **options):
        rows = processed_features["input_features"]
        more = np.repeat(rows[-1:], max_length - len(rows), axis=0)
        return {"input_features": np.concatenate([rows, more])}


def make_steps(features=3, side="right", kind=Steps):
    return kind(feature_size=features, sampling_rate=1, padding_value=0.5, padding_side=side)


def make_features(features=3, sizes=SIZES, dtype="float32", **columns):
    generator = np.random.default_rng(0)
    values = [generator.normal(size=(size, features)).astype(dtype) for size in sizes]
    types = Features({"input_features": List(List(Value(dtype), length=features)), "length": Value("int64")})
    dataset = Dataset.from_dict({"input_features": values, "length": sizes}, features=types)
    for name, column in columns.items():
        dataset = dataset.add_column(name, column)
    return dataset


def make_tokens(sizes=SIZES, **columns):
    ids = [[10 * row + step for step in range(size)] for row, size in enumerate(sizes)]
    return Dataset.from_dict({"input_ids": ids, **columns})


def make_images(dtype="float32", **columns):
    pixels = np.random.default_rng(0).normal(size=(5, 3, 2, 4)).astype(dtype)
    types = Features({"pixel_values": List(List(List(Value(dtype), length=4), length=2), length=3)})
    dataset = Dataset.from_dict({"pixel_values": list(pixels)}, types)
    for name, column in columns.items():
        dataset = dataset.add_column(name, column)
    return dataset


@pytest.fixture
def tokenizer():
    return train_tokenizer("word", ["one two"] * 2, vocab_size=20)


def assert_same_batches(dataset, processor, multiple=None, label_padding=None, batches=BATCHES):
    collator = SequenceCollator(processor, multiple, label_padding)
    store = SequenceStore.from_dataset(dataset, processor, multiple, label_padding)
    assert len(store) == len(dataset)
    for rows in batches:
        expected, found = collator([dataset[row] for row in rows]), store.__getitems__(rows)
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape), name
            assert torch.equal(found[name], value), name
            assert found[name].is_contiguous()
    assert pickle.loads(pickle.dumps(store[-1])) == store[len(store) - 1]
    return store


@SIDES
@pytest.mark.parametrize("multiple", [None, 8])
def test_store_equals_collator_for_features(side, multiple):
    dataset = make_features(labels=[2, 0, 1, 1, 0])
    store = assert_same_batches(dataset, make_steps(side=side), multiple)
    assert store.lengths.tolist() == SIZES
    batch = store.__getitems__([1, 0])
    assert batch["input_features"].shape == (2, multiple or 3, 3)
    assert batch["attention_mask"].sum(1).tolist() == [1, 3]
    assert (batch["input_features"][batch["attention_mask"] == 0] == 0.5).all()
    real = batch["input_features"][1][batch["attention_mask"][1] == 1]
    assert torch.equal(real, torch.tensor(dataset[0]["input_features"]))
    assert batch["attention_mask"][0, 0 if side == "right" else -1] == 1


@SIDES
@pytest.mark.parametrize("features", [1, 3])
def test_collator_equals_the_feature_extractor(features, side):
    """For one feature, the series feature extractor overrides `_pad` to keep the feature dimension."""
    processor = SeriesFeatureExtractor(features, normalize=None, padding_side=side, padding_value=0.5)
    dataset = make_features(features)
    assert_same_batches(dataset, processor, 4)
    rows = [{"input_features": np.array(row, dtype=np.float32)} for row in dataset["input_features"]]
    expected = processor.pad(rows, pad_to_multiple_of=4, return_tensors="pt")
    found = SequenceCollator(processor, 4)(list(dataset))
    assert torch.equal(found["input_features"], expected["input_features"])
    assert found["attention_mask"].tolist() == expected["attention_mask"].tolist()


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_numbers_are_stored_as_float32(dtype):
    store = assert_same_batches(make_features(dtype=dtype), make_steps())
    assert store.__getitems__([0])["input_features"].dtype == torch.float32
    images = assert_same_batches(make_images(dtype), ImageProcessor())
    assert images.__getitems__([0])["pixel_values"].dtype == torch.float32


def test_batches_without_attention_mask():
    store = assert_same_batches(make_features(), make_steps(kind=UnmaskedSteps))
    assert set(store.__getitems__([0, 1])) == {"input_features"}


@SIDES
def test_batches_with_a_row_without_steps(side):
    dataset = make_features(sizes=[0, 2])
    assert_same_batches(dataset, make_steps(side=side), batches=[[0, 1], [1, 0]])


def test_overridden_padding_method_is_called():
    processor = make_steps(kind=OwnSteps)
    dataset = make_features(labels=[2, 0, 1, 1, 0])
    assert find_obstacle(dataset, processor) == "OwnSteps has its own padding method"
    batch = SequenceCollator(processor)([dataset[1], dataset[0]])
    last = torch.tensor(dataset[1]["input_features"][-1])
    assert torch.equal(batch["input_features"][0], last.expand(3, 3))
    assert batch["labels"].tolist() == [0, 2] and "length" not in batch


REARRANGED = {
    "selected": lambda dataset: dataset.select([4, 0, 0, 2]),
    "a slice": lambda dataset: dataset.select(range(1, 4)),
    "a slice of a selection": lambda dataset: dataset.select([3, 1, 2, 0]).select(range(1, 4)),
    "several chunks, shuffled": lambda dataset: concatenate_datasets([dataset, dataset.select([3])]).shuffle(seed=2),
}
ROWS = {
    "numbers": (lambda: make_features(labels=[2, 0, 1, 1, 0]), make_steps, None),
    "images": (lambda: make_images(labels=[2, 0, 1, 1, 0]), ImageProcessor, None),
    "aligned": (lambda: make_features(labels=[[row] * size for row, size in enumerate(SIZES)]), make_steps, "inputs"),
    "written": (lambda: make_images(labels=[[1], [2, 3], [], [4], [5, 6, 7]]), ImageProcessor, "right"),
}


@pytest.mark.parametrize("rearrange", REARRANGED.values(), ids=REARRANGED.keys())
@pytest.mark.parametrize(("make", "processor", "label_padding"), ROWS.values(), ids=ROWS.keys())
def test_store_reads_selected_rows(make, processor, label_padding, rearrange):
    dataset = rearrange(make())
    batches = [list(range(len(dataset))), [1, 0], [-1]]
    store = assert_same_batches(dataset, processor(), None, label_padding, batches)
    assert [store[row] for row in range(len(store))] == list(dataset)


def test_columns_of_one_shape_are_stacked():
    dataset = make_images(labels=[0.5, 1.0, -1.0, 2.0, 0.0])
    store = assert_same_batches(dataset, ImageProcessor())
    batch = store.__getitems__([4, 1])
    assert set(batch) == {"pixel_values", "labels"} and batch["pixel_values"].shape == (2, 3, 2, 4)
    assert torch.equal(batch["pixel_values"][1], torch.tensor(dataset[1]["pixel_values"]))
    assert store.lengths.tolist() == [0] * 5


def test_labels_of_one_shape_are_stacked():
    future = np.random.default_rng(1).normal(size=(5, 2, 3)).astype("float32")
    types = Features({"labels": List(List(Value("float32"), length=3), length=2)})
    dataset = concatenate_datasets([make_features(), Dataset.from_dict({"labels": future}, types)], axis=1)
    batch = assert_same_batches(dataset, make_steps()).__getitems__([3, 0])
    assert torch.equal(batch["labels"], torch.from_numpy(future[[3, 0]]))


@SIDES
@pytest.mark.parametrize("multiple", [None, 8])
@pytest.mark.parametrize("tokens", [True, False], ids=["tokens", "numbers"])
def test_labels_per_step_are_padded_like_the_inputs(tokens, multiple, side, tokenizer):
    tokenizer.padding_side = side
    processor = tokenizer if tokens else make_steps(side=side)
    labels = [[row] * size for row, size in enumerate(SIZES)]
    dataset = (make_tokens if tokens else make_features)(labels=labels)
    batch = assert_same_batches(dataset, processor, multiple, "inputs").__getitems__([1, 0, 3])
    assert batch["labels"].dtype == torch.int64
    assert (batch["labels"] == -100).equal(batch["attention_mask"] == 0)
    assert [row[row != -100].tolist() for row in batch["labels"]] == [[1], [0, 0, 0], [3, 3]]


@SIDES
def test_independent_labels_are_padded_on_the_right(side, tokenizer):
    processor = ProcessorPair(make_steps(side=side), tokenizer)
    dataset = make_features(labels=[[1], [2, 3], [], [4], [5, 6, 7]])
    store = assert_same_batches(dataset, processor, 8, "right", [*BATCHES, [2, 2]])
    assert store.__getitems__([1, 0])["labels"].tolist() == [[2, 3], [1, -100]]
    assert store.__getitems__([-1])["labels"].tolist() == [[5, 6, 7]]
    assert store[-1]["labels"] == [5, 6, 7]
    assert store.__getitems__([2])["labels"].shape == (1, 0)


@pytest.mark.parametrize(
    ("columns", "label_padding", "obstacle"),
    [
        ({"labels": [[1], [2, 3]]}, "inputs", None),
        ({"labels": [[1, 1], [2, 3]]}, "right", None),
        ({"labels": [[1], [2]]}, "inputs", "the lists in 'labels' have other lengths than those in 'input_ids'"),
        ({"labels": [1, 2]}, "right", "the column 'labels' must contain lists of integers, not int64"),
        (
            {"labels": [[0.5], [1.0]]},
            "inputs",
            "the column 'labels' must contain lists of integers, not list<item: double>",
        ),
        ({"labels": [[1], [None, 2]]}, "right", "values are missing in the column 'labels'"),
        ({"labels": [[1], [2, 3]]}, None, "the lists in 'labels' have different lengths (1, 2)"),
    ],
)
def test_find_obstacle_rejects_invalid_labels(columns, label_padding, obstacle, tokenizer):
    assert find_obstacle(make_tokens([1, 2], **columns), tokenizer, label_padding) == obstacle


def test_find_obstacle_rejects_invalid_features():
    ragged = Dataset.from_dict({"input_features": [[[0.5, 1.0]], [[1.0, 2.0]]]})
    assert find_obstacle(ragged, make_steps(2)) == (
        "the column 'input_features' must contain lists of integers, not list<item: list<item: double>>"
    )
    missing = Dataset.from_dict(
        {"input_features": [[[0.5, None]]]}, Features({"input_features": List(List(Value("float32"), length=2))})
    )
    assert find_obstacle(missing, make_steps(2)) == "values are missing in the column 'input_features'"
    assert find_obstacle(make_features(), ImageProcessor()) == "there is no column 'pixel_values'"
    assert find_obstacle(make_features(other=[[1]] * 5), make_steps()) == (
        "the processor does not pad the column 'other'"
    )
    odd = make_steps(side="middle")
    assert find_obstacle(make_features(), odd) == "Steps pads on the side 'middle'"


def test_cached_store_keeps_its_label_padding():
    dataset = make_features(labels=[[row] * size for row, size in enumerate(SIZES)])
    processor, cache = make_steps(), StoreCache()
    collator = SequenceCollator(processor, label_padding="inputs")
    store = cache.get(dataset, collator, lambda rows: rows)
    assert cache.get(dataset, collator, lambda rows: rows) is store
    assert torch.equal(store.__getitems__([0, 2])["labels"], collator([dataset[0], dataset[2]])["labels"])
    processor.padding_side = "left"
    again = cache.get(dataset, collator, lambda rows: rows)
    assert again is not store
    assert again.__getitems__([0, 2])["labels"].tolist() == [[-100, 0, 0, 0], [2, 2, 2, 2]]


def test_store_is_rebuilt_for_another_label_padding():
    dataset, processor, cache = (
        make_features(labels=[[7] * size for size in SIZES]),
        make_steps(side="left"),
        StoreCache(),
    )
    found = [
        cache.get(dataset, SequenceCollator(processor, label_padding=padding), lambda rows: rows)
        for padding in ("inputs", "right", None)
    ]
    assert [store and store.__getitems__([1, 0])["labels"][0].tolist() for store in found] == [
        [-100, -100, 7],
        [7, -100, -100],
        None,
    ]
