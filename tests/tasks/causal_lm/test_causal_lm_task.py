"""Language models of texts and music: loss, metrics and training."""

import json
import math
import random

import numpy as np
import pytest
import torch
from small import check_saved_sums, make_reviews, write_csv
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, AutoTokenizer, EvalPrediction, pipeline

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.inference.generation import GenerationSettings
from hfseq.inference.music_samples import write_samples
from hfseq.inference.predictor import Predictor
from hfseq.registry import get_modality, get_task
from hfseq.tasks import LossSettings
from hfseq.tasks.causal_lm.task import CausalLM, next_tokens
from hfseq.tasks.task_data import TaskData
from hfseq.training.run import run_training
from hfseq.training.saved_predictions import load_examples
from hfseq.training.settings import resolve

TEXT, MUSIC = CausalLM(), CausalLM(get_modality("music"))
TINY = {
    "task": "causal_lm",
    "model": "lstm",
    "config_overrides": "hidden_size=8,embedding_size=8",
    "max_length": 32,
    "num_train_epochs": 1,
    "learning_rate": 0.02,
    "per_device_train_batch_size": 8,
    "use_cpu": True,
    "disable_tqdm": True,
}


def batch(left=False):
    """Rows of 4 and 2 tokens, and the logits of a vocabulary of 6."""
    ids = torch.tensor([[3, 4, 5, 3], [0, 0, 3, 5] if left else [3, 5, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1] if left else [1, 1, 0, 0]])
    logits = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0))
    if left:
        logits = torch.stack([logits[0], logits[1].roll(2, 0)])
    return {"logits": logits}, {"input_ids": ids, "attention_mask": mask, "units": torch.tensor([[3.0], [2.0]])}


def by_hand(logits, pairs):
    return [F.cross_entropy(logits[row, at], torch.tensor(token)).item() for row, at, token in pairs]


PAIRS = [(0, 0, 4), (0, 1, 5), (0, 2, 3), (1, 0, 5)]


def test_causal_lm_is_registered():
    assert get_task("causal_lm") is CausalLM
    assert TEXT.default_metric == "bits_per_character" and MUSIC.default_metric == "nll_per_frame"
    assert resolve({"dataset": "builtin:melodies", "model": "gru"}).settings["num_train_epochs"] == 30


def test_next_tokens_ignores_padding():
    assert next_tokens(batch()[1]).tolist() == [[4, 5, 3, -100], [5, -100, -100, -100]]
    assert next_tokens(batch(left=True)[1]).tolist() == [[4, 5, 3, -100], [-100, -100, 5, -100]]
    assert next_tokens({"input_ids": torch.tensor([[1, 2]])}).tolist() == [[2, -100]]
    assert TEXT.count_items(batch()[1]) == 4


@pytest.mark.parametrize("left", [False, True])
def test_loss_is_additive_over_batches(left):
    outputs, inputs = batch(left)
    expected = np.mean(by_hand(batch()[0]["logits"], PAIRS))
    assert TEXT.loss(outputs, inputs).item() == pytest.approx(expected, abs=1e-6)
    parts = [
        TEXT.loss({"logits": outputs["logits"][row : row + 1]}, {k: v[row : row + 1] for k, v in inputs.items()}, 4)
        for row in range(2)
    ]
    assert sum(parts).item() == pytest.approx(expected, abs=1e-6)


def test_metrics_match_manual_computation():
    outputs, inputs = batch()
    sums = TEXT.predictions_of(outputs, inputs)
    nll = by_hand(outputs["logits"], PAIRS)
    right = [float(outputs["logits"][row, at].argmax() == token) for row, at, token in PAIRS]
    expected = [[sum(nll[:3]), 3, sum(right[:3]), 3], [nll[3], 1, right[3], 2]]
    np.testing.assert_allclose(sums.numpy(), expected, rtol=1e-5)
    metrics = TEXT.compute_metrics(EvalPrediction(sums.numpy(), inputs["units"].numpy()))
    assert metrics == pytest.approx(
        {
            "perplexity": math.exp(sum(nll) / 4),
            "bits_per_token": sum(nll) / 4 / math.log(2),
            "bits_per_character": sum(nll) / 5 / math.log(2),
            "accuracy": sum(right) / 4,
        },
        rel=1e-5,
    )
    assert set(metrics) == set(TEXT.metric_names)
    scores = TEXT.example_scores(sums.numpy(), inputs["units"].numpy())
    assert scores.mean() == pytest.approx(metrics["bits_per_character"], rel=1e-5)


def test_end_of_piece_is_in_the_loss_but_not_in_the_metric():
    outputs, inputs = batch()
    # 3 is the id of [EOS] in the music tokenizer.
    kept = by_hand(outputs["logits"], [pair for pair in PAIRS if pair[2] != 3])
    sums = MUSIC.predictions_of(outputs, inputs)
    assert sums[:, 0].sum().item() == pytest.approx(sum(kept), rel=1e-5) and sums[:, 1].tolist() == [2, 1]
    metrics = MUSIC.compute_metrics(EvalPrediction(sums.numpy(), None))
    assert metrics["nll_per_frame"] == pytest.approx(sum(kept) / 5, rel=1e-5)
    assert MUSIC.count_items(inputs) == 4


def test_causal_lm_rejects_invalid_settings():
    data = TaskData({}, get_modality("text"), None, "", "")
    with pytest.raises(HfseqError, match="class_weights are for classification, not for causal_lm"):
        CausalLM.from_data(data, DataArguments(), LossSettings("balanced"))
    with pytest.raises(HfseqError, match="causal_lm reads text or music, not dna"):
        CausalLM.load(DataArguments(modality="dna"))


# --- texts, from end to end


def story(count, seed=0):
    source = random.Random(seed)
    return " ".join(source.choice(["the cat sat.", "a dog ran.", "it rained.\n"]) for _ in range(count))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "story.txt"
    path.write_text(story(400), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm") / "lm"
    return folder, run_training({**TINY, "dataset": str(corpus), "output_dir": str(folder), "eval_max_length": 60})


def test_train_on_text_file(trained, corpus):
    folder, record = trained
    size = len(corpus.read_text(encoding="utf-8"))
    assert record.status == "finished" and record.data["metric"] == "bits_per_character"
    saved = check_saved_sums(record, folder)
    assert saved.groups is None  # few blocks, each a part of its own
    assert set(load_examples(folder)) == set(range(record.data["examples"]["test"]))
    assert record.data["notes"][:1] == [
        f"no test split: 10 % ({size // 10} of {size:,} characters) were taken from the end of the training text"
    ]
    # Each row but the last predicts 31 characters of training text, or 59 characters of the other splits.
    assert record.data["examples"]["train"] == math.ceil((size - 2 * (size // 10)) / 31)
    assert record.data["examples"]["test"] == math.ceil((size // 10) / 59)
    metrics = record.metrics["test"]
    assert metrics["bits_per_character"] == pytest.approx(metrics["bits_per_token"], abs=1e-6)
    assert metrics["perplexity"] == pytest.approx(math.exp(metrics["loss"]), rel=0.02)
    assert metrics["bits_per_character"] < 5


def test_evaluate_reproduces_metrics_of_training(trained, corpus, tmp_path):
    folder, record = trained
    predictor = Predictor.load(str(folder), device="cpu")
    for name, value in predictor.evaluate(batch_size=3).items():
        assert value == pytest.approx(record.metrics["test"][name], rel=1e-5), name
    other = tmp_path / "other.txt"
    other.write_text(story(30, seed=1), encoding="utf-8")
    assert predictor.evaluate(str(other))["bits_per_character"] < 6


def test_predict_returns_the_metric(trained):
    predictor = Predictor.load(str(trained[0]), device="cpu")
    likely, unlikely, empty = predictor(["the cat sat. the cat sat.", "zqx#!", ""])
    assert likely.scores["bits_per_character"] < unlikely.scores["bits_per_character"]
    assert likely.scores["tokens"] == 25 and empty.scores == {"bits_per_character": 0.0, "tokens": 0.0}
    (long,) = predictor(["the cat sat. " * 20])
    assert long.scores["tokens"] == 59  # the first block


def test_generate_continues_prompts(trained):
    predictor = Predictor.load(str(trained[0]), device="cpu")
    sampled = {"max_new_tokens": 20, "num_return_sequences": 2, "seed": 1}
    first = [prediction.text for prediction in predictor.generate("the ", **sampled)]
    again = [prediction.text for prediction in predictor.generate(["a", "the "], **sampled)]
    assert len(again) == 4 and first == again[2:] and first[0] != first[1]
    assert all(text.startswith("the ") and len(text) <= 24 and "[" not in text for text in first)
    greedy = predictor.generate("the", max_new_tokens=12, temperature=0)[0].text
    assert predictor.generate("the", max_new_tokens=12, top_k=1)[0].text == greedy
    # The pipeline of transformers continues the same prompt.
    task = pipeline("text-generation", model=predictor.model, tokenizer=predictor.processor)
    assert task("the", max_new_tokens=12, do_sample=False)[0]["generated_text"] == greedy
    with pytest.raises(HfseqError, match="continues a text or a list of texts, not"):
        predictor.generate([[60, 64]])
    with pytest.raises(HfseqError, match="no setting 'max_length' of the generation"):
        predictor.generate("the", max_length=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1 and at most 1,000,000, not 0"),
        ({"temperature": -1.0}, "temperature must be at least 0, not -1.0"),
        ({"temperature": math.nan}, "temperature must be a finite number, not nan"),
        ({"temperature": math.inf}, "temperature must be a finite number, not inf"),
        ({"temperature": 1e-40}, "temperature must be 0 or at least 0.001, not 1e-40"),
        ({"seed": 2**70}, "seed must be at least 0 and below 2"),
        ({"max_new_tokens": 2**70}, "max_new_tokens must be at least 1 and at most 1,000,000, not"),
        ({"top_p": math.nan}, "top_p must be a finite number, not nan"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, not 0.0"),
        (
            {"num_beams": 2, "num_return_sequences": 3},
            r"num_return_sequences \(3\) is larger than num_beams",
        ),
    ],
)
def test_generate_rejects_invalid_settings(settings, message):
    with pytest.raises(HfseqError, match=message):
        GenerationSettings(**settings)


def test_classifier_starts_from_language_model(trained, tmp_path):
    reviews = write_csv(tmp_path / "reviews.csv", make_reviews(60, 0))
    folder = tmp_path / "classifier"
    settings = {"model": str(trained[0]), "dataset": str(reviews), "output_dir": str(folder), "max_train_samples": 16}
    assert resolve(settings).family == "recurrent_whole" and resolve(settings).training.learning_rate == 1e-3
    # The maximum length of a classifier is independent of the blocks of the language model.
    record = run_training(
        {**settings, "max_length": 100, "num_train_epochs": 1, "learning_rate": 1e-9, "use_cpu": True,
         "disable_tqdm": True}
    )  # fmt: skip
    assert record.model["initialization"] == "pretrained" and record.data["max_length"] == 100
    before, after = (AutoTokenizer.from_pretrained(path) for path in (trained[0], folder))
    assert before.get_vocab() == after.get_vocab()
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    language_model = Predictor.load(str(trained[0]), device="cpu").model
    for name, value in language_model.model.state_dict().items():
        torch.testing.assert_close(model.model.state_dict()[name], value, rtol=0, atol=1e-6)


def test_train_gpt2_with_word_tokenizer(tmp_path):
    """A GPT-2 with words as tokens, trained on a table. It generates at most as many tokens as it has positions."""
    reviews = write_csv(tmp_path / "reviews.csv", make_reviews(60, 0))
    record = run_training(
        {**TINY, "model": "transformer", "config_overrides": "hidden_size=8,num_hidden_layers=1,num_attention_heads=2",
         "tokenizer_name": "word", "dataset": str(reviews), "output_dir": str(tmp_path / "gpt2")}
    )  # fmt: skip
    assert record.model["model_type"] == "gpt2" and record.data["label_column"] is None
    assert any(note.startswith("the tokenizer does not preserve texts") for note in record.data["notes"])
    predictor = Predictor.load(str(tmp_path / "gpt2"), device="cpu")
    for name, value in predictor.evaluate().items():
        assert value == pytest.approx(record.metrics["test"][name], rel=1e-5), name
    (generated,) = predictor.generate("the film", seed=3)
    assert str(generated.text).startswith("the film ")
    with pytest.raises(HfseqError, match=r"the model reads at most 34 tokens, but the prompt has 3 tokens"):
        predictor.generate("the film", max_new_tokens=90)


# --- music, from end to end


def test_train_and_generate_music(tmp_path):
    pieces = [[[60 + step % 5, 64 + voice] for step in range(12 + voice)] for voice in range(20)]
    path = tmp_path / "pieces.json"
    path.write_text(json.dumps({"train": pieces[:12], "valid": pieces[12:16], "test": pieces[16:]}))
    folder = tmp_path / "music"
    record = run_training({**TINY, "dataset": str(path), "output_dir": str(folder), "transpose": 1})
    assert record.data["modality"] == "music" and record.data["metric"] == "nll_per_frame"
    assert record.data["examples"] == {"train": 36, "validation": 4, "test": 4}
    assert check_saved_sums(record, folder).sums.keys() >= {"nll_per_frame", "perplexity"}
    # 16 steps with two notes and a frame token each, and two special tokens: max_length does not truncate pieces.
    assert record.data["tokens"]["test"] == sum(3 * (28 + more) + 2 for more in range(4))
    predictor = Predictor.load(str(folder), device="cpu")
    for name, value in predictor.evaluate(batch_size=3).items():
        assert value == pytest.approx(record.metrics["test"][name], rel=1e-5), name
    continued = predictor.generate(pieces[0][:3], max_new_tokens=30, num_return_sequences=2)
    assert [piece.values[:3] for piece in continued] == [pieces[0][:3]] * 2
    files = write_samples(folder, 2)
    assert [file.name for file in files] == ["sample-1.mid", "sample-2.mid"] and all(file.is_file() for file in files)
    (answer,) = predictor.predict_rows({"frames": [pieces[0]]}, predictor.columns_of(["frames"], require_label=False))
    assert answer.scores["nll_per_frame"] > 0
