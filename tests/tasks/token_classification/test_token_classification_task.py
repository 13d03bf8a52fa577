"""Token classification: encoding, loss, metrics, and a run from end to end."""

import json

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from small import check_saved_sums, write_csv
from torch.nn import functional as F
from transformers import AutoModelForTokenClassification, EvalPrediction
from transformers.modeling_outputs import TokenClassifierOutput

from hfseq import RecurrentConfig, run_training
from hfseq.commands import main
from hfseq.data.arguments import DataArguments
from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.metrics import compute_token_metrics
from hfseq.modalities.rows import read_splits
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.registry import get_task
from hfseq.tasks import LossSettings, TokenClassification
from hfseq.tasks.token_classification.data import load_tagged
from hfseq.tasks.token_classification.word_encoding import encode_words
from hfseq.training.saved_predictions import load_examples

SPANS = ("B-X", "I-X", "O")
TEXTS = ["the cat sat on the mat .", "Don't go there , 10 000 times ."] * 4


@pytest.fixture(scope="module")
def tokenizers():
    return {
        kind: train_tokenizer(kind, TEXTS, vocab_size=400, lowercase=False)
        for kind in ("word", "bpe", "wordpiece", "character")
    }


def first_pieces(sentence, tokenizer, max_length=64):
    row = encode_words([sentence], tokenizer, max_length)[0]
    assert len(row.token_type_ids) == len(row.input_ids)
    return tokenizer.convert_ids_to_tokens(row.input_ids), row.starts


@pytest.mark.parametrize(
    ("kind", "pieces", "starts"),
    [
        ("word", ["Don", "'", "t", "10", "000", "the", "[SEP]"], [0, 3, 5]),
        ("bpe", ["Don", "'t", "Ġ10", "Ġ000", "Ġthe", "[SEP]"], [0, 2, 4]),
        ("wordpiece", ["[CLS]", "Don", "'", "t", "10", "000", "the", "[SEP]"], [1, 4, 6]),
        ("character", [*"Don't 10 000 the", "[SEP]"], [0, 6, 13]),
    ],
)
def test_encode_words_finds_first_token_of_each_word(tokenizers, kind, pieces, starts):
    """A word may contain a space, and have many pieces."""
    assert first_pieces(["Don't", "10 000", "the"], tokenizers[kind]) == (pieces, starts)


def test_words_without_tokens_become_unknown(tokenizers):
    sentence = ["\u200b", "the", "\x01", "", "cat"]
    assert first_pieces(sentence, tokenizers["wordpiece"]) == (
        ["[CLS]", "[UNK]", "the", "[UNK]", "[UNK]", "cat", "[SEP]"],
        [1, 2, 3, 4, 5],
    )
    for tokenizer in tokenizers.values():
        assert len(first_pieces(sentence, tokenizer)[1]) == 5
    assert first_pieces([], tokenizers["word"]) == (["[SEP]"], [])


def test_long_sentences_are_truncated_between_words(tokenizers):
    tokenizer = tokenizers["wordpiece"]
    assert first_pieces(["the", "Don't", "cat"], tokenizer, 5) == (["[CLS]", "the", "[SEP]"], [1])
    assert first_pieces(["the", "Don't", "cat"], tokenizer, 6)[1] == [1, 2]
    # A first word that is too long is truncated.
    assert first_pieces(["Don't", "cat"], tokenizer, 4) == (["[CLS]", "Don", "'", "[SEP]"], [1])


def make_data():
    rows = {"words": [["the", "cat", "Don't"], ["mat"]], "ner": [["O", "B-X", "I-X"], ["O"]]}
    split = Dataset.from_dict(rows)
    task = TokenClassification(SPANS)
    data = task.read_split(split, DataArguments(), "here")
    return task, data


@pytest.mark.parametrize("side", ["right", "left"])
def test_labels_of_truncated_words_follow_the_inputs(tokenizers, side):
    tokenizer = tokenizers["wordpiece"]
    task, data = make_data()
    arguments = DataArguments(max_length=4)
    encoded = task.encode(data, tokenizer, arguments)
    rows = encoded.splits["test"]
    assert rows["labels"][:] == [[-100, 2, 0, -100, 1], [-100, 2, -100]]
    assert rows["length"][:] == [4, 3] and encoded.truncated_share == {"test": 0.5}
    trained = task.encode(
        type(data)(DatasetDict({"train": data.splits["test"]}), data.modality, data.columns, "", ""), tokenizer,
        arguments,
    )  # fmt: skip
    assert trained.splits["train"]["labels"][0] == [-100, 2, 0, -100]
    tokenizer.padding_side = side
    try:
        batch = SequenceCollator(tokenizer, label_padding=task.label_padding)([rows[0], rows[1]])
    finally:
        tokenizer.padding_side = "right"
    short = [-100, 2, -100, -100] if side == "right" else [-100, -100, 2, -100]
    assert batch["labels"].tolist() == [[-100, 2, 0, -100, 1], [*short, -100]]
    logits = torch.zeros(2, 4, 3)
    logits[:, :, 0] = 1
    assert task.count_items(batch) == 3
    found = task.predictions_of(TokenClassifierOutput(logits=logits), batch)
    assert found.tolist() == [[-100, 0, 0, -100, -100], [0 if tag == 2 else -100 for tag in [*short, -100]]]
    loss = task.loss(TokenClassifierOutput(logits=logits), batch)
    expected = F.cross_entropy(torch.tensor([[1.0, 0, 0]] * 3), torch.tensor([2, 0, 2]))
    torch.testing.assert_close(loss, expected)


def test_truncated_words_count_as_wrong():
    truth = np.array([[2, 0, 1], [2, 2, -100]])
    guess = np.array([[2, 0, -100], [2, -100, -100]])
    spans = TokenClassification(SPANS).compute_metrics(EvalPrediction(guess, truth))
    assert spans == compute_token_metrics([["O", "B-X", "O"], ["O", "O"]], [["O", "B-X", "I-X"], ["O", "O"]])
    assert spans["f1"] == 0 and spans["accuracy"] == pytest.approx(4 / 5)
    parts = TokenClassification(("a", "b", "c"))
    assert parts.default_metric == "accuracy"
    assert parts.compute_metrics(EvalPrediction(guess, truth))["accuracy"] == pytest.approx(3 / 5)


@pytest.mark.parametrize("tags", [SPANS, ("a", "b", "c")])
def test_example_scores_average_to_the_metric(tags):
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, (60, 9))
    truth[random.random(truth.shape) < 0.3] = -100
    guess = np.where(random.random(truth.shape) < 0.7, truth, random.integers(0, 3, truth.shape))
    guess[truth == -100] = -100
    task = TokenClassification(tags)
    metrics = task.compute_metrics(EvalPrediction(guess, truth))
    assert task.default_metric == ("f1" if tags is SPANS else "accuracy")
    assert set(task.metric_names) == set(metrics)
    assert task.example_scores(guess, truth).mean() == pytest.approx(metrics[task.default_metric])


def test_loss_is_additive_over_batches():
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 5, 3), torch.randint(0, 3, (4, 5))
    labels[:, 2] = labels[1, :3] = -100
    task = TokenClassification(SPANS, (0.5, 1.0, 2.0), 0.1)
    inputs = {"labels": labels, "input_ids": torch.zeros(4, 5)}
    whole = task.loss(TokenClassifierOutput(logits=logits), inputs)
    items = task.count_items(inputs)
    parts = [
        task.loss(
            TokenClassifierOutput(logits=logits[rows]), {name: value[rows] for name, value in inputs.items()}, items
        )
        for rows in (slice(0, 1), slice(1, 4))
    ]
    torch.testing.assert_close(sum(parts), whole)


def test_token_classification_rejects_invalid_settings():
    with pytest.raises(HfseqError, match="class_weights has 2 values, but the data has 3 tags: B-X, I-X, O"):
        TokenClassification(SPANS, (1.0, 2.0))
    task = TokenClassification(SPANS, label_smoothing=0.1)
    with pytest.raises(HfseqError, match="cannot be combined with use_crf"):
        task.check_config(RecurrentConfig(vocab_size=5, num_labels=3, use_crf=True))


def write_sentences(folder, extension="conll"):
    """Writes a folder of splits. Names are capitalised and follow `mr`."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for split, size in (("train", 60), ("dev", 12), ("test", 12)):
        lines = []
        for _ in range(size):
            for word in random.choice(["the", "film", "was", "mr", "good"], 5):
                lines.append(f"{word}\tO")
                if word == "mr":
                    lines += [f"{random.choice(['Ab', 'Cdef', 'Gh'])}\tB-P", "Junior\tI-P"]
            lines.append("")
        (folder / f"{split}.{extension}").write_text("\n".join(lines))
    return folder


def test_train_evaluate_and_predict(tmp_path, capsys):
    folder = write_sentences(tmp_path / "names")
    settings = {
        "task": "token_classification", "dataset": str(folder), "model": "lstm", "max_length": 8,
        "config_overrides": "hidden_size=8,embedding_size=8,dropout=0.0,classifier_dropout=0.0,use_crf=true,"
        "crf_constraints=bio",
        "learning_rate": 0.05, "num_train_epochs": 4, "gradient_accumulation_steps": 2,
        "per_device_train_batch_size": 8, "tokenizer_vocab_size": 200, "use_cpu": True, "disable_tqdm": True,
        "cache_dir": str(tmp_path / "cache"), "output_dir": str(tmp_path / "run"),
    }  # fmt: skip
    record = run_training(settings)
    metrics = record.metrics["test"]
    assert record.data["labels"] == ["B-P", "I-P", "O"] and record.data["metric"] == "f1"
    assert record.data["truncated_share"]["test"] > 0
    # Truncated words count in the evaluation.
    assert 0.2 < metrics["f1"] < metrics["accuracy"] < 1
    check_saved_sums(record, tmp_path / "run")
    assert load_examples(tmp_path / "run")[0].keys() == {"tokens", "tags"}
    predictor = Predictor.load(str(tmp_path / "run"), device="cpu")
    found = predictor.evaluate()
    assert found == pytest.approx({name: metrics[name] for name in found}) and "f1" in found
    assert predictor.evaluate(str(folder / "test.conll")) == pytest.approx(found)
    assert isinstance(predictor.model, AutoModelForTokenClassification._model_mapping[type(predictor.model.config)])

    alone = tmp_path / "alone.conll"
    alone.write_text("mr\nAb\nJunior\n\nthe\nfilm\n")
    assert main(["predict", str(tmp_path / "run"), "--input", str(alone)]) == 0
    assert capsys.readouterr().out == "O B-P I-P\tmr Ab Junior\nO O\tthe film\n"
    # A .txt file is read as in training if it has one token per line; otherwise each line is a text.
    lines = tmp_path / "columns.txt"
    lines.write_text("mr\tO\nAb\tB-P\nJunior\tI-P\n\nthe\tO\nfilm\tO\n")
    assert main(["predict", str(tmp_path / "run"), "--input", str(lines)]) == 0
    assert capsys.readouterr() == (
        "O B-P I-P\tmr Ab Junior\nO O\tthe film\n",
        f"hfseq: note: {lines} is read with one token per line and blank lines between sentences\n",
    )
    assert predictor.evaluate(str(lines))["f1"] == 1
    lines.write_text("mr Ab Junior\nthe film\n")
    assert main(["predict", str(tmp_path / "run"), "--input", str(lines)]) == 0
    assert capsys.readouterr().out == "O B-P I-P\tmr Ab Junior\nO O\tthe film\n"
    # The last three words are truncated.
    text = "mr Cdef Junior was was was mr Ab Junior"
    assert main(["predict", str(tmp_path / "run"), "--text", text, "--format", "jsonl"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["text"] == text and len(found["labels"]) == 9
    assert found["labels"][:3] == ["O", "B-P", "I-P"] and found["labels"][6:] == ["O", "O", "O"]


def test_load_reads_class_labels(tmp_path):
    features = Features({"words": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-X", "B-Y"]))})
    rows = {"words": [["a", str(number)] for number in range(20)], "ner_tags": [[0, 1]] * 20}
    Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "saved")
    data = load_tagged(DataArguments(dataset=str(tmp_path / "saved"), max_train_samples=5))
    assert data.tags == ("O", "B-X", "B-Y") and data.columns == Columns("words", None, "ner_tags")
    assert data.splits["train"]["ner_tags"][:] == [["O", "B-X"]] * 5
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 5, "validation": 2, "test": 2}
    weights = get_task("token_classification").from_data(data, DataArguments(), LossSettings("1,2,3")).class_weights
    assert weights == (1, 2, 3)


def test_csv_of_lists_and_csv_of_words_are_equal(tmp_path):
    """A csv file with lists as pandas writes them, or with one word per row, equals a table of sentences."""
    sentences = [(["Anna", "sings", f"n{number}"], ["B-X", "O", "O"]) for number in range(20)]
    tables = {
        "plain.csv": [{"tokens": " ".join(words), "tags": " ".join(tags)} for words, tags in sentences],
        "lists.csv": [{"tokens": str(words), "tags": str(tags)} for words, tags in sentences],
        "words.csv": [
            {"Sentence #": "" if place else f"Sentence: {number}", "tokens": word, "tags": tag}
            for number, (words, tags) in enumerate(sentences)
            for place, (word, tag) in enumerate(zip(words, tags, strict=True))
        ],
    }
    for name, rows in tables.items():
        write_csv(tmp_path / name, rows)
    plain, lists, words = (load_tagged(DataArguments(dataset=str(tmp_path / name))) for name in tables)
    assert plain.tags == ("B-X", "O")
    for data in (lists, words):
        assert data.tags == plain.tags and data.fingerprint == plain.fingerprint
    # The same files are inputs of `predict`.
    task = TokenClassification(SPANS)
    for name in tables:
        rows = read_splits(str(tmp_path / name), DataArguments(), task.modality)["train"]
        rows = task.check_rows(task.prepared_rows(rows, DataArguments(), name), Columns("tokens"), name)
        assert task.predictions([[2, 0, 1]], rows[:1], Columns("tokens"))[0].labels == ["O", "B-X", "I-X"]
        assert len(rows) == 20


def test_load_notes_tags_missing_in_training_split(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "set17train.conll").write_text("a O\nb B-X\n")
    (folder / "set.dev.conll").write_text("a O\nc B-Y\n")
    (folder / "set.test.annotated").write_text("d O\n")
    data = load_tagged(DataArguments(dataset=str(folder)))
    assert data.tags == ("B-X", "O", "B-Y")
    assert data.notes == ["1 tag occurs only in the validation or test split and cannot be learned: 'B-Y'"]
    assert data.splits["test"][0] == {"tokens": ["d"], "tags": ["O"]}


def test_load_reads_column_of_treebank(tmp_path):
    line = "1\tGo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n"
    path = tmp_path / "bank.conllu"
    path.write_text("".join(line.replace("Go", f"Go{n}").replace("VB", ("VB", "UH")[n % 2]) + "\n" for n in range(9)))
    data = load_tagged(DataArguments(dataset=str(path), target_column="xpos"))
    assert data.tags == ("UH", "VB") and data.columns == Columns("tokens", None, "xpos")
