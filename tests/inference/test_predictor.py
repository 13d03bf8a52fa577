"""Predictions of saved models from Python: every form of input, in order, with the values of a batch of one."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset, DatasetDict
from small import TINY

import hfseq
from hfseq.errors import HfseqError
from hfseq.inference.backend import Backend
from hfseq.inference.predictions import Predictions
from hfseq.inference.predictor import Predictor, load_predictor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.tasks import Prediction
from hfseq.training.run import run_training

TEXTS = ["great", "dull " * 40, "the film was fine", "", "a rainy and cold day " * 10, "sunny", "?"]
GENERATOR = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A tiny classifier that was never trained."""
    path = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer("word", TEXTS * 2, vocab_size=100, model_max_length=16)
    torch.manual_seed(0)
    config = RecurrentConfig(
        vocab_size=len(tokenizer), embedding_size=4, hidden_size=4, pad_token_id=0,
        id2label={0: "bad", 1: "good"}, label2id={"bad": 0, "good": 1},
    )  # fmt: skip
    RecurrentForSequenceClassification(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def predictor(folder) -> Predictor:
    return load_predictor(folder, device="cpu")


def scores(predictions) -> np.ndarray:
    return np.array([list(one.scores.values()) for one in predictions])


def test_predictions_are_in_the_order_of_the_examples(predictor):
    expected = np.concatenate([scores(predictor(text)) for text in TEXTS])
    for batch_size in (1, 3, 64):
        found = predictor(TEXTS, batch_size=batch_size)
        assert isinstance(found, Predictions) and isinstance(found[0], Prediction)
        np.testing.assert_allclose(scores(found), expected, atol=1e-6)
    assert [one.labels for one in found] == [[("bad", "good")[row.argmax()]] for row in expected]


@pytest.mark.parametrize(
    "examples",
    [
        tuple(TEXTS),
        iter(TEXTS),
        np.array(TEXTS),
        pd.Series(TEXTS),
        [{"text": text, "other": 3} for text in TEXTS],
        Dataset.from_dict({"text": TEXTS, "label": ["good"] * len(TEXTS)}),
        Dataset.from_dict({"text": TEXTS}).with_format("numpy"),
        DatasetDict({"test": Dataset.from_dict({"text": TEXTS})}),
        pd.DataFrame({"text": TEXTS}, index=range(10, 10 + len(TEXTS))),
        pd.DataFrame({"text": pd.Categorical(TEXTS)}),
        pd.DataFrame({"text": pd.array(TEXTS, dtype="string")}),
    ],
    ids=["tuple", "iterator", "array", "Series", "dicts", "Dataset", "formatted", "DatasetDict", "frame",
         "categories", "strings"],
)  # fmt: skip
def test_predictor_accepts_every_form_of_examples(predictor, examples):
    np.testing.assert_allclose(scores(predictor(examples)), scores(predictor(TEXTS)), atol=1e-6)


def test_predictor_reads_named_columns_and_files(predictor, tmp_path):
    frame = pd.DataFrame({"review": TEXTS[:3], "title": ["a", "b", "c"]})
    expected = scores(predictor(TEXTS[:3]))
    np.testing.assert_allclose(scores(predictor(frame, text_column="review")), expected, atol=1e-6)
    frame.to_json(tmp_path / "reviews.jsonl", orient="records", lines=True)
    np.testing.assert_allclose(
        scores(predictor(tmp_path / "reviews.jsonl", text_column="review")), expected, atol=1e-6
    )
    pairs = predictor([("great", "dull"), ("sunny", "?")])
    rows = predictor(
        pd.DataFrame({"text": ["great", "sunny"], "text_pair": ["dull", "?"]}), text_pair_column="text_pair"
    )
    np.testing.assert_allclose(scores(pairs), scores(rows), atol=1e-6)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (3, "a predictor reads a list of texts, .* not int"),
        ([1.0, 2.0], "a list holds several examples, but this one holds numbers"),
        (np.zeros((2, 3)), r"an example of text is not a NumPy array, but this array has the shape \(2, 3\)"),
        (["a", None], "the examples, row 1: the text in column 'text' is missing"),
        (["a", ("b", "c")], r"row 0: expected a pair of texts such as .* not 'a'"),
        ([("a", "b", "c")], r"row 0: expected a pair of texts"),
        ([{"text": "a"}, {"text": None}], "row 1: the text in column 'text' is missing"),
        ([{"n": "a"}], "no column looks like the text"),
        (["a", {"text": "b"}], "the examples cannot be read: .* Give each column values of one type"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "the data frame has more than one column 'text'"),
        (DatasetDict(dict.fromkeys("ab", Dataset.from_dict({"text": ["a"]}))), "has the splits a, b"),
    ],
)  # fmt: skip
def test_predictor_rejects_wrong_examples(predictor, examples, message):
    with pytest.raises(HfseqError, match=message):
        predictor(examples)


def test_predictor_rejects_wrong_settings(predictor):
    with pytest.raises(HfseqError, match="batch_size must be at least 1, not 0"):
        predictor(["a"], batch_size=0)
    with pytest.raises(HfseqError, match="text_column is for examples with columns"):
        predictor(["a"], text_column="review")
    with pytest.raises(HfseqError, match="unknown device 'gpuu'"):
        load_predictor("nowhere", device="gpuu")
    with pytest.raises(
        HfseqError, match="is for sequence_classification, not for causal_lm, and does not continue texts"
    ):
        predictor.generate("a")


def test_no_examples_give_no_predictions(predictor):
    for examples in ([], pd.DataFrame({"text": []}), Dataset.from_dict({"text": []})):
        assert predictor(examples) == [] and len(predictor(examples).to_pandas()) == 0
    assert predictor.logits([]).shape == (0, 2)


def test_predictions_become_a_data_frame(predictor):
    found = predictor(TEXTS)
    frame = found.to_pandas()
    assert list(frame) == ["label", "score_bad", "score_good"]
    np.testing.assert_allclose(frame[["score_bad", "score_good"]], scores(found))
    assert frame["label"].tolist() == [one.labels[0] for one in found]
    assert found[1:3].to_pandas().equals(frame.iloc[1:3].reset_index(drop=True))
    several = Predictions([Prediction(["a"], {"a": 0.9, "b": 0.1}), Prediction([], {"a": 0.2, "b": 0.3})], ["a", "b"])
    assert several.to_pandas().to_dict("list") == {"labels": [["a"], []], "score_a": [0.9, 0.2], "score_b": [0.1, 0.3]}
    number = Predictions([Prediction(scores={"value": 1.5})], ["value"])
    assert number.to_pandas().to_dict("list") == {"value": [1.5]}
    tags = Predictions([Prediction(["B", "O"])], ["B", "O"])
    assert tags.to_pandas().to_dict("list") == {"labels": [["B", "O"]]}
    forecast = Predictions([Prediction(values=[[1.0, 2.0], [3.0, 4.0]], times=["mon", "tue"])], ["a", "b"])
    assert forecast.to_pandas().to_dict("list") == {
        "example": [0, 0], "step": [1, 2], "time": ["mon", "tue"], "a": [1.0, 3.0], "b": [2.0, 4.0]
    }  # fmt: skip
    assert Predictions([Prediction(text="hello")]).to_pandas().to_dict("list") == {"text": ["hello"]}


class ConstantBackend(Backend):
    """A backend without torch: the logits are the lengths of the texts."""

    input_names = frozenset({"input_ids", "attention_mask"})

    def __init__(self, config):
        self.config, self.batches = config, []

    def run(self, batch):
        self.batches.append(batch)
        length = batch["attention_mask"].sum(1)
        return {"logits": np.stack([length, -length], 1).astype(np.float32)}


def test_predictor_runs_on_any_backend(predictor):
    backend = ConstantBackend(predictor.backend.config)
    other = Predictor(backend, predictor.processor, predictor.task, predictor.arguments)
    lengths = [len(ids) for ids in predictor.processor(TEXTS, truncation=True, max_length=16)["input_ids"]]
    assert other.logits(TEXTS, batch_size=3)[:, 0].tolist() == lengths
    assert len(backend.batches) == 3 and all(isinstance(value, np.ndarray) for value in backend.batches[0].values())
    with pytest.raises(HfseqError, match="ConstantBackend has no torch model"):
        _ = other.model
    with pytest.raises(HfseqError, match="ConstantBackend cannot generate"):
        backend.generate({})


def test_outputs_that_are_not_numbers_are_rejected(predictor):
    class NaNBackend(ConstantBackend):
        def run(self, batch):
            return {"logits": np.full((len(batch["input_ids"]), 2), np.nan, dtype=np.float32)}

    other = Predictor(NaNBackend(predictor.backend.config), predictor.processor, predictor.task, predictor.arguments)
    with pytest.raises(HfseqError, match="the model gives NaN or infinity for example 1"):
        other(["a"])


def test_predictor_can_be_copied(predictor):
    for other in (copy.deepcopy(predictor), pickle.loads(pickle.dumps(predictor))):
        np.testing.assert_array_equal(other.logits(TEXTS), predictor.logits(TEXTS))


# Series.


@pytest.fixture(scope="module", params=[1, 2])
def series(request, tmp_path_factory):
    """Series with one or two channels, their labels, and a model of them."""
    channels = request.param
    values = GENERATOR.normal(size=(40, 12, channels)) + np.arange(40)[:, None, None] % 2
    labels = np.array(["low", "high"])[np.arange(40) % 2]
    folder = tmp_path_factory.mktemp("series") / "run"
    record = run_training({**TINY, "max_steps": 3, "dataset": (values, labels), "output_dir": str(folder)})
    assert record.data["modality"] == "series"
    return values, load_predictor(folder, device="cpu")


def test_predictor_reads_arrays_of_series(series):
    values, predictor = series
    expected = np.concatenate([scores(predictor([one])) for one in values])
    assert len(np.unique(expected.round(6))) > 2
    forms = [values, list(values), Dataset.from_dict({"series": values}), [{"series": one} for one in values],
             pd.DataFrame({"series": list(values)})]  # fmt: skip
    if values.shape[2] == 1:
        forms += [values[..., 0], list(values[..., 0])]
    for form in forms:
        np.testing.assert_allclose(scores(predictor(form)), expected, atol=1e-6)
    assert scores(predictor(values[0])).shape == (1, 2)
    # Lengths differ.
    ragged = [values[0], values[1][:5]]
    np.testing.assert_allclose(scores(predictor(ragged))[1:], scores(predictor([ragged[1]])), atol=1e-6)


def test_predictor_rejects_arrays_of_another_shape(series):
    values, predictor = series
    channels = values.shape[2]
    with pytest.raises(HfseqError, match=rf"with {channels} channels?, .* shape \(40, 12, {channels + 3}\)"):
        predictor(np.zeros((40, 12, channels + 3)))
    with pytest.raises(HfseqError, match=r"row 1: an array of shape .* holds 12 examples"):
        predictor([values[0], np.zeros((12, 7, channels))])


def test_public_names_of_prediction():
    assert (hfseq.Predictor, hfseq.Prediction, hfseq.load_predictor) == (Predictor, Prediction, load_predictor)
