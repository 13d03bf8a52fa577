import numpy as np
import pytest
import torch

from hfseq.data.batching.collation import SequenceCollator
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.modalities.token_encoding import encode_texts

WORDS = ["one", "two", "three", "four"]


@pytest.fixture(params=["word", "wordpiece"])
def tokenizer(request):
    return train_tokenizer(request.param, WORDS * 2, vocab_size=60)


@pytest.fixture
def examples(tokenizer):
    texts = ["one two three", "", "four"]
    columns, _ = encode_texts(texts, None, tokenizer, 10)
    return [{**{name: ids[row] for name, ids in columns.items()}, "length": 99} for row in range(len(texts))]


@pytest.mark.parametrize("side", ["right", "left"])
def test_collator_pads_to_the_longest_on_the_side_of_the_processor(tokenizer, examples, side):
    tokenizer.padding_side = side
    batch = SequenceCollator(tokenizer)(examples)
    assert set(batch) == set(tokenizer.model_input_names)
    lengths = [len(example["input_ids"]) for example in examples]
    assert batch["input_ids"].shape == (3, max(lengths))
    assert batch["attention_mask"].sum(1).tolist() == lengths
    for row, (example, length) in enumerate(zip(examples, lengths, strict=True)):
        real = slice(None, length) if side == "right" else slice(max(lengths) - length, None)
        assert batch["input_ids"][row, real].tolist() == example["input_ids"]
        assert batch["attention_mask"][row, real].all()
    assert (batch["input_ids"][batch["attention_mask"] == 0] == tokenizer.pad_token_id).all()
    short = SequenceCollator(tokenizer)(examples[1:])
    assert short["input_ids"].shape == (2, max(lengths[1:]))


def test_collator_rounds_the_padded_length_up(tokenizer, examples):
    batch = SequenceCollator(tokenizer, pad_to_multiple_of=8)(examples)
    assert batch["input_ids"].shape == (3, 8)


def test_collator_uses_the_pad_method_of_the_processor(examples):
    class Processor:
        def pad(self, inputs, **options):
            return {"inputs": inputs, "options": options}

    batch = SequenceCollator(Processor(), pad_to_multiple_of=4)(examples)
    assert batch["options"] == {"padding": True, "pad_to_multiple_of": 4, "return_tensors": "pt"}
    assert [set(row) for row in batch["inputs"]] == [set(examples[0]) - {"length"}] * 3
    assert "labels" not in batch


@pytest.mark.parametrize(
    ("labels", "dtype", "shape"),
    [
        ([2, 0, 1], torch.int64, (3,)),
        ([0.5, -1.0, 2.0], torch.float32, (3,)),
        ([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], torch.float32, (3, 2)),
    ],
    ids=["classes", "numbers", "several labels"],
)
def test_collator_stacks_labels(tokenizer, examples, labels, dtype, shape):
    labelled = [{**example, "labels": label} for example, label in zip(examples, labels, strict=True)]
    batch = SequenceCollator(tokenizer)(labelled)
    assert (batch["labels"].dtype, tuple(batch["labels"].shape)) == (dtype, shape)
    assert batch["labels"].tolist() == labels
    assert all("labels" in example and "length" in example for example in labelled), (
        "the examples are left as they are"
    )


@pytest.mark.parametrize("side", ["right", "left"])
def test_collator_keeps_the_masks_of_features(side):
    extractor = SeriesFeatureExtractor(feature_size=2, normalize=None, padding_side=side)
    rows = [
        {"input_features": [[1.0, 2.0], [3.0, 4.0]], "attention_mask": [0, 1]},
        {"input_features": [[5.0, 6.0]], "attention_mask": np.ones(1, dtype=np.int32)},
    ]
    mask = SequenceCollator(extractor)(rows)["attention_mask"]
    assert mask.dtype == torch.int64 and mask.tolist() == [[0, 1], [1, 0] if side == "right" else [0, 1]]
