import gzip
import math
import random

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict, Features, Translation
from small import TINY, check_saved_sums, write_csv
from transformers import AutoConfig, AutoModelForSeq2SeqLM, EvalPrediction

from hfseq import run_training
from hfseq.commands import main
from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.metrics import compute_generation_metrics
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.registry import get_modality, get_task
from hfseq.tasks import LossSettings, SequenceToSequence
from hfseq.tasks.text_generation.target_tokens import decoder_input_ids, encode_targets, end_token, target_values
from hfseq.training.overrides import parse_overrides
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import load_examples, load_scores
from hfseq.training.settings import resolve

WORDS = ["one", "two", "three", "four", "five", "six"]
LABELS = torch.tensor([[5, 6, 3, -100], [7, 3, -100, -100]])
SMALL = {
    **TINY,
    "task": "sequence_to_sequence",
    "config_overrides": '{"hidden_size": 8, "embedding_size": 8, "encoder": {"hidden_size": 8, "embedding_size": 8}}',
    "tokenizer_name": "word",
    "max_target_length": 8,
    "num_beams": 2,
}


def pairs(count, seed):
    source = random.Random(seed)
    rows = [source.choices(WORDS, k=source.randint(2, 5)) for _ in range(count)]
    return [{"source": " ".join(row), "target": " ".join(reversed(row))} for row in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs")
    for seed, (split, count) in enumerate({"train": 64, "validation": 10, "test": 12}.items()):
        write_csv(path / f"{split}.csv", pairs(count, seed))
    return path


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "lstm"
    run_training({**SMALL, "dataset": str(folder), "output_dir": str(output)})
    return output


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer("word", [" ".join(WORDS)] * 2, vocab_size=20, add_cls=False)


def a_task(**settings):
    return SequenceToSequence(get_modality("text"), DataArguments(**settings))


def test_sequence_to_sequence_is_registered():
    assert get_task("sequence_to_sequence") is SequenceToSequence
    task = a_task()
    assert task.auto_class is AutoModelForSeq2SeqLM and task.pipeline_tag == "translation" and task.generates_text
    # A metric without generation chooses the checkpoint; a metric of generated texts ranks the models.
    assert (task.default_metric, task.ranking_metric) == ("accuracy", "chrf")


def test_encode_targets_adds_end_token(tokenizer):
    one, two, end = tokenizer.convert_tokens_to_ids(["one", "two", "[SEP]"])
    rows, cut = encode_targets(["one two", "one two one", ""], tokenizer, 3)
    assert rows == [[one, two, end], [one, two, end], [end]]
    assert cut == pytest.approx(1 / 3)
    values = target_values(tokenizer)
    assert values["eos_token_id"] == end == end_token(tokenizer)
    assert values["decoder_start_token_id"] == tokenizer.cls_token_id != end


def test_encode_targets_rejects_tokenizer_without_end_token(tokenizer):
    tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, pad_token="[PAD]")
    with pytest.raises(HfseqError, match="neither an eos_token nor a sep_token"):
        encode_targets(["one"], tokenizer, 3)


@pytest.mark.parametrize("model_type", ["hfseq_encoder_decoder", "marian", "m2m_100"])
def test_model_inputs_shift_labels_to_the_right(tokenizer, model_type):
    task = a_task(max_length=8, max_target_length=8)
    task.tokenizer = tokenizer
    small = {"d_model": 8, "num_attention_heads": 2, "decoder_attention_heads": 2, "num_hidden_layers": 1}
    small |= {"decoder_layers": 1}
    overrides = {"hidden_size": 8, "encoder": {"hidden_size": 8}} if "hfseq" in model_type else small
    values = task.scratch_values(model_type, {"vocab_size": len(tokenizer), "pad_token_id": 0}, overrides)
    model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(model_type, **values)).eval()
    # The start token, followed by all labels but the last. The values at padding are irrelevant.
    read = decoder_input_ids(model, LABELS)
    assert read[0, :3].tolist() == [2, 5, 6] and read[1, :2].tolist() == [2, 7] and read.min() >= 0
    sources = {"input_ids": [[5, 6, 3], [7, 3, 0]], "attention_mask": [[1, 1, 1], [1, 1, 0]]}
    inputs = {**{name: torch.tensor(rows) for name, rows in sources.items()}, "labels": LABELS}
    given = task.model_inputs(model, inputs)
    assert "labels" not in given
    outputs = model(**given)
    # Padding at the end does not change the outputs before it.
    cut = {**given, "decoder_input_ids": given["decoder_input_ids"][:, :3],
           "decoder_attention_mask": given["decoder_attention_mask"][:, :3]}  # fmt: skip
    torch.testing.assert_close(model(**cut).logits[0], outputs.logits[0, :3], rtol=1e-4, atol=1e-5)


def test_loss_is_additive_over_batches():
    task = SequenceToSequence(get_modality("text"), DataArguments(), label_smoothing=0.1)
    logits = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(0))
    real = LABELS != -100
    expected = torch.nn.functional.cross_entropy(logits[real], LABELS[real], label_smoothing=0.1)
    whole = {"labels": LABELS}
    torch.testing.assert_close(task.loss({"logits": logits}, whole), expected)
    count = task.count_items(whole)
    assert count == 5
    parts = [task.loss({"logits": logits[row : row + 1]}, {"labels": LABELS[row : row + 1]}, count) for row in (0, 1)]
    torch.testing.assert_close(sum(parts), expected)


def test_metrics_match_manual_computation():
    logits = torch.full((2, 4, 9), -30.0)
    for row, guesses in enumerate([[5, 6, 4, 0], [7, 3, 0, 0]]):
        for position, guess in enumerate(guesses):
            logits[row, position, guess] = 30.0
    task = a_task()
    sums = task.predictions_of({"logits": logits}, {"labels": LABELS})
    torch.testing.assert_close(sums, torch.tensor([[2.0, 3.0, 60.0], [2.0, 2.0, 0.0]]))
    found = task.compute_metrics(EvalPrediction(sums.numpy(), LABELS.numpy()))
    assert found == {"accuracy": 0.8, "perplexity": pytest.approx(math.exp(12), rel=1e-5)}


def test_generated_texts_are_compared_with_original_texts(tokenizer):
    task = SequenceToSequence(get_modality("text"), DataArguments(), tokenizer=tokenizer)
    one, two, end = tokenizer.convert_tokens_to_ids(["one", "two", "[SEP]"])
    written = np.array([[one, two, end, 0], [two, end, one, -100]])
    assert task.texts_of(written) == ["one two", "two"]
    # The references are not changed by the tokenizer.
    task.references["test"] = [["One two!"], ["two"]]
    found = task.compute_generated_metrics(written, "test")
    expected = compute_generation_metrics(["one two", "two"], [["One two!"], ["two"]])
    assert found == {name: expected[name] for name in ("chrf", "exact_match")} and found["exact_match"] == 0.5


def test_resolve_finds_source_and_target_columns():
    task = a_task()
    assert task.resolve(["id", "SRC", "TGT"], DataArguments()).texts == ["SRC"]
    found = task.resolve(["de", "en"], DataArguments(source_language="en", target_language="de"))
    assert (found.text, found.label) == ("en", "de")
    found = task.resolve(["question", "answer", "note"], DataArguments(target_column="note"))
    assert (found.text, found.label) == ("question", "note")
    with pytest.raises(HfseqError, match="no column looks like the target among 'source', 'other'"):
        task.resolve(["source", "other"], DataArguments())
    with pytest.raises(HfseqError, match="'source' cannot be both source and target"):
        task.resolve(["source", "id"], DataArguments(input_column="source", target_column="source"))


def test_load_splits_translation_column(tmp_path):
    rows = [{"translation": {"de": f"{word} zwei", "en": f"{word} two"}} for word in WORDS * 4]
    features = Features({"translation": Translation(languages=["de", "en"])})
    DatasetDict({"train": Dataset.from_list(rows, features=features)}).save_to_disk(str(tmp_path / "saved"))
    given = {"dataset": str(tmp_path / "saved"), "task": "sequence_to_sequence"}
    data = SequenceToSequence.load(DataArguments(**given, source_language="en", target_language="de"))
    assert (data.columns.text, data.columns.label) == ("en", "de")
    assert {row["de"][-4:] for row in data.splits["train"]} == {"zwei"}
    with pytest.raises(HfseqError, match="contains the languages de, en; choose the language to translate from with"):
        SequenceToSequence.load(DataArguments(**given))


def test_load_reads_parallel_files(tmp_path):
    for split, count in {"train": 30, "val": 4, "test_2016": 3, "test_2017": 2}.items():
        for language in ("en", "de", "fr"):
            with gzip.open(tmp_path / f"{split}.{language}.gz", "wt", encoding="utf-8") as file:
                file.writelines(f"{language} {number} ü\n" for number in range(count))
    given = {"dataset": str(tmp_path), "task": "sequence_to_sequence"}
    data = SequenceToSequence.load(DataArguments(**given, source_language="en", target_language="de"))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 30, "validation": 4, "test": 3}
    assert data.splits["test"][2] == {"source": "en 2 ü", "target": "de 2 ü"}
    assert data.notes[0] == "the folder has the test sets test_2016, test_2017; only the first is used"
    with pytest.raises(HfseqError, match=r"contains the languages de, en, fr: choose the language to translate from"):
        SequenceToSequence.load(DataArguments(**given))


def test_sequence_to_sequence_rejects_invalid_settings(folder):
    arguments = DataArguments(dataset=str(folder), task="sequence_to_sequence")
    data = SequenceToSequence.load(arguments)
    with pytest.raises(HfseqError, match="class_weights are for classification, not for sequence_to_sequence"):
        SequenceToSequence.from_data(data, arguments, LossSettings(class_weights="balanced"))
    task = SequenceToSequence.from_data(data, arguments, LossSettings())
    for model_type, overrides, message in (
        ("bert", {}, "'bert' has no decoder to generate text; use hfseq_encoder_decoder"),
        ("hfseq_encoder_decoder", {"encoder": {"hiden_size": 8}}, "has no 'hiden_size': did you mean 'hidden_size'"),
        ("hfseq_encoder_decoder", {"encoder": {"model_type": "brt"}}, "encoder: model_type 'brt' is not known"),
    ):
        with pytest.raises(HfseqError, match=message):
            task.scratch_values(model_type, task.placeholder_values(), overrides)
    with pytest.raises(HfseqError, match="sequence_to_sequence reads text or audio, not series"):
        SequenceToSequence.load(DataArguments(dataset=str(folder), modality="series"))


def test_overrides_of_encoder_are_merged_with_preset():
    given = {"task": "sequence_to_sequence", "model": "gru", "dataset": "builtin:dates"}
    found = resolve({**given, "config_overrides": '{"encoder": {"hidden_size": 12}}'}).model.config_overrides
    encoder = parse_overrides(found)["encoder"]
    assert encoder["hidden_size"] == 12 and encoder["bidirectional"] is True
    found = resolve({**given, "config_overrides": '{"encoder": {"model_type": "bert"}}'}).model.config_overrides
    assert parse_overrides(found)["encoder"] == {"model_type": "bert"}


def test_evaluate_reproduces_metrics_of_training(run):
    record = RunRecord.load(run)
    assert record.status == "finished" and record.data["metric"] == "chrf"
    assert record.metrics["test"].keys() >= {"loss", "accuracy", "perplexity", "chrf", "bleu", "exact_match"}
    saved = check_saved_sums(record, run)
    assert len(saved.texts) == len(saved.references) == 12 and saved.lengths.max() < 10
    assert load_examples(run)[0]["text"]
    assert load_scores(run).shape == (12,)
    assert load_scores(run).mean() == pytest.approx(record.metrics["test"]["chrf"])
    predictor = Predictor.load(str(run))
    assert predictor.model.generation_config.num_beams == 2
    assert predictor.model.generation_config.max_new_tokens == 8
    found = predictor.evaluate()
    assert {name: record.metrics["test"][name] for name in found} == pytest.approx(found, rel=1e-5)


def test_generation_is_independent_of_batch(run):
    predictor = Predictor.load(str(run))
    texts = [row["source"] for row in pairs(6, 9)]
    together = [answer.text for answer in predictor(texts)]
    assert together == [predictor([text])[0].text for text in texts]


def test_predict_reads_texts_and_tables(run, folder, tmp_path, capsys):
    assert main(["predict", str(run), "--text", "one two", "--format", "jsonl"]) == 0
    written = capsys.readouterr().out
    assert written.startswith('{"input": "one two", "text": ') and written.count("\n") == 1
    assert main(["predict", str(run), "--input", str(folder / "test.csv")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 12
    (tmp_path / "no-targets.csv").write_text("source\none two\nthree\n")
    assert main(["predict", str(run), "--input", str(tmp_path / "no-targets.csv")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_evaluate_reads_parallel_files(run, tmp_path, capsys):
    """The model was trained on a table, so the command needs the languages."""
    rows = pairs(8, 3)
    write_csv(tmp_path / "rows.csv", rows)
    for language, column in (("xx", "source"), ("yy", "target")):
        for split in ("train", "test"):
            path = tmp_path / "parallel" / f"{split}.{language}"
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(f"{row[column]}\n" for row in rows))
    words = ["evaluate", str(run), "--format", "json", "--dataset"]
    assert main([*words, str(tmp_path / "rows.csv")]) == 0
    expected = capsys.readouterr().out
    assert main([*words, str(tmp_path / "parallel")]) == 2
    assert "choose the language to translate from with --source_language" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "parallel"), "--source_language", "xx", "--target_language", "yy"]) == 0
    assert capsys.readouterr().out == expected
    path = tmp_path / "parallel" / "test.xx"
    assert main(["predict", str(run), "--input", str(path), "--source_language", "xx"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
