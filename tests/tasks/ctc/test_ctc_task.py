import json
import shutil
from itertools import product

import numpy as np
import pytest
import soundfile
import torch
from datasets import Dataset
from small import check_saved_sums, write_csv
from transformers import EvalPrediction, Wav2Vec2CTCTokenizer

from hfseq import run_training
from hfseq.data.arguments import DataArguments
from hfseq.data.batching.processor_pair import ProcessorPair
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForCTC
from hfseq.registry import get_modality, get_task
from hfseq.tasks import CTC
from hfseq.training.saved_predictions import load_scores

RATE = 4000
PITCHES = {"a": 300, "b": 700, "c": 1500}
TINY = {
    "task": "ctc",
    "model": "gru",
    "config_overrides": "hidden_size=8,num_hidden_layers=1,dropout=0",
    "num_mel_bins": 8,
    "num_train_epochs": 2,
    "max_train_samples": 12,
    "use_cpu": True,
    "disable_tqdm": True,
}


def sing(text, path):
    """Writes a file in which each letter is a tone followed by silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(RATE // 25) / RATE
    parts = [np.concatenate([np.sin(2 * np.pi * PITCHES[key] * time), 0 * time]) for key in text]
    soundfile.write(path, 0.5 * np.concatenate(parts), RATE)
    return path


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """A folder with tables that name wav files in a subfolder."""
    folder = tmp_path_factory.mktemp("songs")
    texts = ["".join(keys) for keys in product("abc", repeat=3)]
    for split, part in (("train", texts[:15]), ("validation", texts[15:21]), ("test", texts[21:])):
        rows = [{"audio": f"clips/{text}.wav", "transcript": text.upper()} for text in part]
        for row in rows:
            sing(row["transcript"].lower(), folder / row["audio"])
        write_csv(folder / f"{split}.csv", rows)
    return folder


@pytest.fixture(scope="module")
def task():
    tokenizer = train_tokenizer("character", ["abc"], vocab_size=20)
    return CTC(get_modality("audio"), processor=ProcessorPair(LogMelFeatureExtractor(), tokenizer))


def numbers(task, text):
    return task._tokenizer(text, add_special_tokens=False)["input_ids"]


def path_logits(task, rows):
    """Logits whose most probable path is the given one; `-` is the blank."""
    ids = torch.tensor([[0 if key == "-" else numbers(task, key)[0] for key in row] for row in rows])
    return 9.0 * torch.nn.functional.one_hot(ids, len(task._tokenizer)).float()


def test_ctc_is_registered_with_its_metrics(task):
    assert get_task("ctc") is CTC and task.default_metric == "cer" and task.label_padding == "right"
    assert task.metric_names == ("cer", "wer", "exact_match")


def test_greedy_decoding_merges_repetitions_and_ignores_padding(task):
    logits = path_logits(task, ["aab-b", "-----", "cccab"])
    found = task.predictions_of({"logits": logits}, {})
    assert found.tolist() == [numbers(task, "abb"), [-100] * 3, numbers(task, "cab")]
    # Values at padding, on either side, are ignored.
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]])
    found = task.predictions_of({"logits": logits}, {"attention_mask": mask})
    assert found.tolist() == [numbers(task, "ab"), [-100] * 2, numbers(task, "ab")]


def test_ctc_tokenizer_keeps_double_letters(tmp_path):
    words = ["<pad>", "<s>", "</s>", "<unk>", "|", "H", "E", "L", "O"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    tokenizer = Wav2Vec2CTCTokenizer(str(tmp_path / "vocab.json"))
    task = CTC(get_modality("audio"), processor=ProcessorPair(LogMelFeatureExtractor(), tokenizer))
    hello = [[words.index(letter) for letter in "HELLO"]]
    assert task.predictions(hello, {}, None)[0].text == "HELLO"
    wrong = [[words.index(letter) for letter in "HELO"]]
    assert task.compute_metrics(EvalPrediction(np.array(hello), np.array(hello)))["cer"] == 0
    assert task.example_scores(wrong, hello).mean() == pytest.approx(1 / 5)


def test_metrics_equal_mean_of_example_scores(task):
    guess = np.array([[*numbers(task, "abb")], [*numbers(task, "c"), -100, -100]])
    truth = np.array([[*numbers(task, "abc")], [*numbers(task, "c"), -100, -100]])
    assert task.compute_metrics(EvalPrediction(guess, truth)) == {"wer": 0.5, "cer": 0.25, "exact_match": 0.5}
    scores = task.example_scores(guess, truth)
    assert scores.mean() == pytest.approx(0.25) and scores[0] > scores[1]
    # A character that the tokenizer does not know counts as an error.
    unknown = np.array([numbers(task, "abz")])
    assert task.compute_metrics(EvalPrediction(unknown, unknown))["cer"] == pytest.approx(1 / 3)


def test_loss_is_additive_and_ignores_padding(task):
    torch.manual_seed(0)
    logits, labels = (
        torch.randn(2, 6, len(task._tokenizer)),
        torch.tensor([numbers(task, "abb"), numbers(task, "caa")]),
    )
    whole = task.loss({"logits": logits}, {"labels": labels})
    parts = [
        task.loss({"logits": logits[i : i + 1]}, {"labels": labels[i : i + 1]}, torch.tensor(6)) for i in range(2)
    ]
    torch.testing.assert_close(sum(parts), whole)
    for left in (False, True):
        sizes = (2, 0) if left else (0, 2)
        padded = torch.nn.functional.pad(logits, (0, 0, *sizes), value=7.0)
        mask = torch.nn.functional.pad(torch.ones(2, 6, dtype=torch.long), sizes)
        found = task.loss({"logits": padded}, {"labels": labels, "attention_mask": mask})
        torch.testing.assert_close(found, whole)


def test_ctc_rejects_unsuitable_models_and_data(task, songs):
    with pytest.raises(HfseqError, match=r"ctc reads numeric sequences .*audio.*, not text"):
        CTC.load(DataArguments(dataset=str(songs / "train.csv"), task="ctc", modality="text"))
    config = RecurrentConfig(input_features=3, vocab_size=20, pad_token_id=0, hidden_size=2)
    with pytest.raises(HfseqError, match="RecurrentForCTC has input_features 3, but this data has 40: use the"):
        task.prepare_model(RecurrentForCTC(config), ())
    with pytest.raises(HfseqError, match=r"model_type 'bert' does not read sequences of numbers \(audio\)"):
        run_training({"task": "ctc", "model_type": "bert", "dataset": str(songs), "output_dir": str(songs / "short")})
    with pytest.raises(HfseqError, match="--class_weights is a setting of sequence_classification"):
        run_training({**TINY, "dataset": str(songs), "class_weights": "1,2", "output_dir": str(songs / "short")})
    with pytest.raises(HfseqError, match="all recordings of the training split have fewer steps than their"):
        run_training({**TINY, "dataset": str(songs), "frame_stack": 40, "output_dir": str(songs / "short")})


@pytest.fixture(scope="module")
def run(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = {**TINY, "dataset": str(songs), "spec_augment": True, "num_beams": 3, "output_dir": str(folder)}
    return run_training(settings), folder


def test_evaluate_reproduces_metrics_of_training(run):
    record, folder = run
    assert set(record.metrics["test"]) == {"loss", "wer", "cer", "exact_match"}
    saved = check_saved_sums(record, folder)
    assert sorted(saved.references) == [[text] for text in ("cba", "cbb", "cbc", "cca", "ccb", "ccc")]
    # The saved scores are those of beam search, like the metric.
    assert load_scores(folder).mean() == pytest.approx(record.metrics["test"]["cer"])
    predictor = Predictor.load(str(folder))
    assert predictor.processor.inputs.sampling_rate == RATE
    again = predictor.evaluate()
    assert again == pytest.approx({name: record.metrics["test"][name] for name in again})


def test_predict_transcribes_recordings(run, songs, capsys):
    from hfseq.commands import main

    _, folder = run
    assert main(["predict", str(folder), "--input", str(songs / "clips"), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 27 and rows[0]["input"] == str(songs / "clips" / "aaa.wav")
    single = str(songs / "clips" / "abc.wav")
    assert main(["predict", str(folder), "--input", single, "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"{single},")
    # Predictions are in the order of the rows, whatever their lengths.
    predictor = Predictor.load(str(folder))
    found = predictor([{"array": [0.1] * 400, "sampling_rate": RATE}, single])
    assert len(found) == 2 and found[1].text == predictor([single])[0].text


def test_predictor_loads_model_without_record(run, songs, tmp_path):
    _, folder = run
    copy = shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("run.json"))
    predictor = Predictor.load(str(copy))
    assert isinstance(predictor.task, CTC) and predictor.task.modality.name == "audio"
    path = str(songs / "clips" / "abc.wav")
    assert predictor([path])[0].text is not None


def test_numeric_transcripts_are_converted_to_texts(songs):
    # A table reads such transcripts as numbers.
    rows = Dataset.from_dict({"audio": [str(songs / "clips" / "aaa.wav")], "label": [12]})
    data = CTC(get_modality("audio")).read_split(rows, DataArguments(), "x")
    assert data.splits["test"]["label"][:] == ["12"]
