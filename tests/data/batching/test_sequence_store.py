import pickle

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, LargeList, List, Value, concatenate_datasets, load_from_disk
from transformers import BatchEncoding

from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.sequence_store import SequenceStore, find_obstacle
from hfseq.errors import HfseqError
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.modalities.token_encoding import encode_texts

TEXTS = ["one two three", "four", "", "two two one four three", "three one"]
LABELS = {
    "none": None,
    "classes": [2, 0, 1, 1, 0],
    "numbers": [0.1, -1.0, 2.5, 1e-3, 3.0],
    "several": [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]],
    "several as integers": [[1, 0], [0, 0], [1, 1], [0, 1], [1, 0]],
    "flags": [True, False, True, True, False],
}
BATCHES = [[0, 1, 2, 3, 4], [4, 1], [2], [1, 3, 1], [-1, 0]]


def make_tokenizer(kind="wordpiece"):
    return train_tokenizer(kind, TEXTS * 2, vocab_size=60)


def make_dataset(tokenizer, labels=None, pairs=False):
    columns, _ = encode_texts(TEXTS, TEXTS[::-1] if pairs else None, tokenizer, 12)
    columns["length"] = [len(ids) for ids in columns["input_ids"]]
    return Dataset.from_dict(columns if labels is None else {**columns, "labels": labels})


def assert_same_batches(dataset, tokenizer, pad_to_multiple_of=None, batches=BATCHES):
    collator = SequenceCollator(tokenizer, pad_to_multiple_of)
    store = SequenceStore.from_dataset(dataset, tokenizer, pad_to_multiple_of)
    assert len(store) == len(dataset)
    for rows in batches:
        expected, found = collator([dataset[row] for row in rows]), store.__getitems__(rows)
        assert isinstance(found, BatchEncoding)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert found[name].dtype == value.dtype, name
            assert found[name].is_contiguous()
            assert torch.equal(found[name], value), name
    return store


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("pairs", [False, True], ids=["single", "pairs"])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("kind", ["word", "wordpiece"])
def test_store_equals_collator_for_tokens(kind, side, pairs, labels):
    tokenizer = make_tokenizer(kind)
    assert ("token_type_ids" in tokenizer.model_input_names) == (kind == "wordpiece")
    tokenizer.padding_side = side
    dataset = make_dataset(tokenizer, labels, pairs)
    for multiple in (None, 1, 8):
        assert_same_batches(dataset, tokenizer, multiple)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("masked", [True, False])
def test_store_uses_the_padding_values_of_the_tokenizer(side, masked):
    tokenizer = make_tokenizer()
    tokenizer.padding_side, tokenizer.pad_token, tokenizer._pad_token_type_id = side, "[SEP]", 5
    tokenizer.model_input_names = ["input_ids", "token_type_ids", *(["attention_mask"] if masked else [])]
    dataset = make_dataset(tokenizer)
    store = assert_same_batches(dataset, tokenizer)
    assert ("attention_mask" in store.__getitems__([0])) == masked
    assert tokenizer.sep_token_id in store.__getitems__([0, 1])["input_ids"][1].tolist()
    rows = range(len(TEXTS))
    marks = [[row % 2] * len(dataset[row]["input_ids"]) for row in rows]
    dataset = dataset.add_column("special_tokens_mask", marks)
    if masked:
        dataset = dataset.add_column("attention_mask", marks)
    assert_same_batches(dataset, tokenizer, 4)


def test_store_of_rows_without_tokens():
    tokenizer = make_tokenizer()
    dataset = Dataset.from_dict({"input_ids": [[], [], [7]]}, features=Features({"input_ids": List(Value("int64"))}))
    assert_same_batches(dataset, tokenizer, batches=[[0, 1], [0, 2], [2, 1]])
    assert_same_batches(dataset.select([0, 1]), tokenizer, 8, batches=[[0, 1]])


def saved_and_loaded(dataset, folder):
    dataset.save_to_disk(folder)
    return load_from_disk(folder)


REARRANGED = {
    "selected": lambda dataset, _: dataset.select([4, 0, 0, 2]),
    "a slice": lambda dataset, _: dataset.select(range(1, 4)),
    "a slice of a selection": lambda dataset, _: dataset.select([3, 1, 2, 0]).select(range(1, 4)),
    "shuffled": lambda dataset, _: dataset.shuffle(seed=1),
    "filtered": lambda dataset, _: dataset.filter(lambda row: row["length"] > 2),
    "of several chunks": lambda dataset, _: concatenate_datasets([dataset, dataset.select(range(2, 5)), dataset]),
    "several chunks, shuffled": lambda dataset, _: concatenate_datasets([dataset] * 3).shuffle(seed=2),
    "mapped from disk": lambda dataset, folder: saved_and_loaded(dataset, folder).select([3, 2]),
}


@pytest.mark.parametrize("rearrange", REARRANGED.values(), ids=REARRANGED.keys())
@pytest.mark.parametrize("labels", ["classes", "several"])
def test_store_reads_selected_rows(rearrange, labels, tmp_path):
    tokenizer = make_tokenizer()
    dataset = rearrange(make_dataset(tokenizer, LABELS[labels]), str(tmp_path / "data"))
    assert_same_batches(dataset, tokenizer, batches=[list(range(len(dataset))), [1, 0], [-1]])
    store = SequenceStore.from_dataset(dataset, tokenizer)
    assert [store[row] for row in range(len(store))] == list(dataset)
    assert store.lengths.tolist() == list(dataset["length"])


@pytest.mark.parametrize(
    "feature",
    [List(Value("uint16")), LargeList(Value("int64")), List(Value("int32"), length=3)],
    ids=["narrow", "large", "fixed length"],
)
def test_store_reads_lists_of_any_layout(feature):
    dataset = Dataset.from_dict(
        {"input_ids": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}, features=Features({"input_ids": feature})
    )
    assert_same_batches(dataset, make_tokenizer(), 4, batches=[[2, 0]])
    assert_same_batches(dataset.select([2, 1]), make_tokenizer(), batches=[[1, 0]])


def test_store_keeps_integers_above_int32():
    tokenizer = make_tokenizer()
    dataset = Dataset.from_dict({"input_ids": [[1, 2**40], [-(2**33)]]})
    assert_same_batches(dataset, tokenizer, batches=[[0, 1]])
    assert SequenceStore.from_dataset(dataset, tokenizer)._sequences["input_ids"].itemsize == 8
    small = Dataset.from_dict({"input_ids": [[1, 2**31 - 1], [3]]})
    assert SequenceStore.from_dataset(small, tokenizer)._sequences["input_ids"].itemsize == 4


def test_store_returns_the_examples_of_the_data_set():
    for labels in LABELS.values():
        dataset = make_dataset(make_tokenizer(), labels)
        store = SequenceStore.from_dataset(dataset, make_tokenizer())
        assert [store[row] for row in range(len(store))] == list(dataset)
        assert list(store[-1]["input_ids"]) == dataset[-1]["input_ids"]
        with pytest.raises(IndexError):
            store[len(store)]


def test_store_has_the_lengths_of_the_examples():
    dataset = make_dataset(make_tokenizer())
    own = dataset.remove_columns("length").add_column("length", [9, 8, 7, 6, 5])
    assert SequenceStore.from_dataset(own, make_tokenizer()).lengths.tolist() == [9, 8, 7, 6, 5]
    store = SequenceStore.from_dataset(dataset.remove_columns("length"), make_tokenizer())
    assert store.lengths.tolist() == list(dataset["length"])
    assert isinstance(store.lengths, np.ndarray)


@pytest.mark.parametrize("workers", [0, 1])
def test_data_loader_returns_the_batches_of_the_store(workers):
    tokenizer = make_tokenizer()
    dataset = make_dataset(tokenizer, LABELS["numbers"])
    store = pickle.loads(pickle.dumps(SequenceStore.from_dataset(dataset, tokenizer)))
    loader = torch.utils.data.DataLoader(store, batch_size=2, collate_fn=_as_it_comes, num_workers=workers)
    expected = [SequenceCollator(tokenizer)([dataset[row] for row in rows]) for rows in ([0, 1], [2, 3], [4])]
    for found, batch in zip(loader, expected, strict=True):
        assert list(found) == list(batch)
        assert all(torch.equal(found[name], batch[name]) for name in batch)


def _as_it_comes(batch):
    return batch


class WithoutPad:
    pass


def own_padding():
    tokenizer = make_tokenizer()
    tokenizer.pad = lambda *arguments, **options: {}
    return tokenizer


def no_padding_token():
    tokenizer = make_tokenizer()
    tokenizer.pad_token = None
    return tokenizer


@pytest.mark.parametrize(
    ("make", "obstacle"),
    [
        (WithoutPad, "WithoutPad has its own padding method"),
        (own_padding, "TokenizersBackend has its own padding method"),
        (no_padding_token, "TokenizersBackend has no padding token"),
    ],
)
def test_find_obstacle_rejects_unsupported_processors(make, obstacle):
    assert find_obstacle(make_dataset(make_tokenizer()), make()) == obstacle


@pytest.mark.parametrize(
    ("columns", "obstacle"),
    [
        ({"text": ["a", "b"]}, "there is no column 'input_ids'"),
        (
            {"input_ids": [["a"], ["b"]]},
            "the column 'input_ids' must contain lists of integers, not list<item: string>",
        ),
        ({"input_ids": [1, 2]}, "the column 'input_ids' must contain lists of integers, not int32"),
        (
            {"input_ids": [[0.5], [1.5]]},
            "the column 'input_ids' must contain lists of integers, not list<item: double>",
        ),
        ({"input_ids": [[1], None]}, "values are missing in the column 'input_ids'"),
        ({"input_ids": [[1], [None, 2]]}, "values are missing in the column 'input_ids'"),
        ({"input_ids": [[1], [2]], "text": ["a", "b"]}, "the processor does not pad the column 'text'"),
        ({"input_ids": [[1], [2]], "other": [[1], [2]]}, "the processor does not pad the column 'other'"),
        (
            {"input_ids": [[1], [2]], "token_type_ids": [[1], [2, 3]]},
            "the lists in 'token_type_ids' have other lengths than those in 'input_ids'",
        ),
        (
            {"input_ids": [[1], [2]], "labels": ["a", "b"]},
            "the column 'labels' must contain numbers or lists of numbers, not string",
        ),
        ({"input_ids": [[1], [2]], "labels": [1, None]}, "values are missing in the column 'labels'"),
        ({"input_ids": [[1], [2]], "labels": [[1], [2, 3]]}, "the lists in 'labels' have different lengths (1, 2)"),
        ({"input_ids": [[1], [2]], "length": [1.0, 1.0]}, "the column 'length' must contain integers, not double"),
        ({"input_ids": []}, "there are no examples"),
    ],
)
def test_find_obstacle_rejects_invalid_columns(columns, obstacle):
    dataset = Dataset.from_dict(columns)
    assert find_obstacle(dataset, make_tokenizer()) == obstacle
    with pytest.raises(HfseqError) as error:
        SequenceStore.from_dataset(dataset, make_tokenizer())
    assert str(error.value) == (
        f"these examples cannot be put into a SequenceStore, because {obstacle}; use a SequenceCollator"
    )


def test_find_obstacle_rejects_data_set_formats():
    tokenizer = make_tokenizer()
    dataset = make_dataset(tokenizer, LABELS["classes"])
    assert find_obstacle(dataset.with_format("numpy"), tokenizer) == "the data set has the format 'numpy'"
    assert find_obstacle(dataset.with_transform(dict), tokenizer) == "the data set has the format 'custom'"
    fewer = dataset.with_format(None, columns=["input_ids", "labels"])
    assert set(assert_same_batches(fewer, tokenizer)[0]) == {"input_ids", "labels"}
    everything = dataset.with_format(None, columns=["input_ids"], output_all_columns=True)
    assert set(assert_same_batches(everything, tokenizer)[0]) == set(dataset.column_names)
