"""Language models on the command line: invalid input, and `generate`."""

import json
import sys

import pytest
from transformers import AutoTokenizer

from hfseq.commands import main
from hfseq.modalities.music.frames import music_tokenizer
from hfseq.modalities.music.midi import frames_to_midi
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForCausalLM, RecurrentForSequenceClassification
from hfseq.tasks.causal_lm.running_text import prepare_tokenizer
from hfseq.training.record import RunRecord
from hfseq.training.trainer import SequenceTrainer

PIECE = [[60, 64], [62]]
CONTENTS: dict[str, str | bytes] = {
    "good.txt": "some words to learn from\n" * 40,
    "latin.txt": "caf\xe9\n".encode("latin-1"),
    "empty.txt": "",
    "blank.txt": " \n",
    "short.txt": "short",
    "texts.csv": "text\n" + "a line\n" * 3,
    "verdict.csv": "verdict\nx\n",
    "missing.jsonl": '{"text": "a"}\n{"text": null}\n{"text": "b"}\n',
    "silent.jsonl": json.dumps({"frames": PIECE}) + '\n{"frames": []}\n',
    "pitch.json": json.dumps({"train": [PIECE, [[60], [200]]]}),
    "split.json": json.dumps({"train": [PIECE], "tset": [PIECE]}),
    "broken.mid": b"MThd",
}
LANGUAGE = ["--task", "causal_lm", "--output_dir", "out", "--cache_dir", "cache", "--use_cpu"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The working directory, with the files of the cases below."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SequenceTrainer, "train", lambda *args, **kwargs: pytest.fail("a training has started"))
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["latin.txt"], ["latin.txt is not UTF-8: byte 0xe9 at offset 3 (line 1)"]),
        (["empty.txt"], ["empty.txt is empty"]),
        (["blank.txt"], ["blank.txt is empty"]),
        (["short.txt"], ["'short.txt' is a single text of 5 characters, which is too short for a test split of 10 %"]),
        (["nope.txt"], ["no such file or folder: 'nope.txt'"]),
        (["texts.csv"], ["the training split is too small to create a test split from it"]),
        (["verdict.csv"], ["no column looks like the text among 'verdict'", "Name it with --text_column"]),
        (["missing.jsonl"], ["split 'train' of 'missing.jsonl', row 1: the text in column 'text' is missing"]),
        (["good.txt", "--text_column", "txet"], ["--text_column: there is no column 'txet', did you mean 'text'?"]),
        (["good.txt", "--max_length", "1"], ["max_length is 1, but must be at least 2"]),
        (["good.txt", "--test_fraction", "0.95"], ["leave nothing to train on"]),
        (["good.txt", "--metric_for_best_model", "acuracy"], ["is not a metric of causal_lm", "'accuracy'"]),
        (
            ["good.txt", "--class_weights", "balanced"],
            [
                "--class_weights is a setting of",
                "; the task is causal_lm",
            ],
        ),
        (["good.txt", "--modality", "dna"], ["causal_lm reads text or music, not dna"]),
        (
            ["good.txt", "--config_overrides", "bidirectional=true"],
            ["cannot be built for causal_lm", "reads from left to right"],
        ),
        (
            ["silent.jsonl", "--modality", "music"],
            ["'silent.jsonl', row 1, column 'frames' has no steps"],
        ),
        (["pitch.json"], ["pitch.json: train, piece 1, step 1: 200 is not a pitch"]),
        (["split.json"], ["split.json: 'tset' is not a split"]),
        (["broken.mid"], ["broken.mid cannot be read as a MIDI file"]),
        (["builtin:melodies", "--transpose", "12"], ["transpose must lie between 0 and 11 semitones, not 12"]),
    ],
    ids=lambda value: "-".join(value)[:40],
)
def test_train_rejects_invalid_language_models(files, capsys, words, parts):
    assert main(["train", "--dataset", *words, *LANGUAGE]) == 2
    message = capsys.readouterr().err
    message = message[message.index("hfseq: error: ") :]
    for part in parts:
        assert part in message
    assert not (files / "out").exists()


# --- generate


def save_model(folder, tokenizer, modality):
    config = RecurrentConfig(
        vocab_size=len(tokenizer), embedding_size=4, hidden_size=4, bidirectional=False, pad_token_id=0
    )
    RecurrentForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    RunRecord("lstm", "causal_lm", 0, {}, "abc", status="finished", data={"modality": modality}).save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def text_model(tmp_path_factory):
    tokenizer = prepare_tokenizer(train_tokenizer("character", ["abc def"], vocab_size=50))
    return save_model(tmp_path_factory.mktemp("text"), tokenizer, "text")


@pytest.fixture(scope="module")
def music_model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("music"), music_tokenizer(), "music")


def test_generate_continues_a_text(text_model, capsys, tmp_path):
    words = ["generate", text_model, "--prompt", "abc", "--max_new_tokens", "8", "--seed", "1", "--top_p", "0.9"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("abc") and len(out) <= len("abc") + 8 + 1
    assert main([*words, "--output", str(tmp_path / "out.txt")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out.txt'}\n"
    assert (tmp_path / "out.txt").read_text() == out
    # A prompt is not needed.
    assert main(["generate", text_model, "--num_beams", "2", "--num_return_sequences", "2"]) == 0
    # The tokenizer begins a text with what ended the one before, and leaves it open.
    assert AutoTokenizer.from_pretrained(text_model)("ab")["input_ids"][0] == 3


def test_generate_writes_records(text_model, music_model, capsys, tmp_path):
    words = ["generate", text_model, "--prompt", "abc", "--max_new_tokens", "8", "--num_return_sequences", "2"]
    assert main([*words, "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["prompt"] for record in records] == ["abc", "abc"]
    assert main(words) == 0
    assert capsys.readouterr().out == "\n\n".join(record["text"] for record in records) + "\n"
    assert main([*words, "--output", str(tmp_path / "texts.jsonl")]) == 0
    assert [json.loads(line) for line in (tmp_path / "texts.jsonl").read_text().splitlines()] == records
    capsys.readouterr()
    assert main(["generate", music_model, "--max_new_tokens", "30", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("prompt,text\n,")


def test_generate_continues_a_piece(music_model, capsys, tmp_path):
    frames_to_midi(PIECE, tmp_path / "beginning.mid")
    words = ["generate", music_model, "--prompt", str(tmp_path / "beginning.mid"), "--max_new_tokens", "30"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("note_60 note_64 frame note_62 frame ")
    tune = tmp_path / "tunes" / "tune.mid"
    assert main([*words, "--num_return_sequences", "2", "--output", str(tune)]) == 0
    assert capsys.readouterr().out == "".join(f"{tune.with_stem(name)}\n" for name in ("tune-1", "tune-2"))
    assert tune.with_stem("tune-2").is_file()


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        ("text", ["--top_p", "2"], "top_p must be above 0 and at most 1, not 2.0"),
        ("text", ["--temprature", "1"], "unrecognized arguments: --temprature"),
        ("text", ["--output", "nowhere/out.txt"], "--output nowhere/out.txt: there is no folder "),
        ("text", ["--output", "tune.mid"], "this model generates text, not MIDI"),
        ("text", ["--temperature", "nan"], "temperature must be a finite number, not nan"),
        ("text", ["--temperature", "inf"], "temperature must be a finite number, not inf"),
        ("text", ["--temperature", "1e-30"], "temperature must be 0 or at least 0.001"),
        ("text", ["--seed", str(2**70)], "seed must be at least 0 and below 2**32"),
        ("text", ["--top_k", "-1"], "top_k must be at least 0, not -1"),
        ("text", ["--max_new_tokens", "0"], "max_new_tokens must be at least 1"),
        ("text", ["--max_new_tokens", str(10**12)], "max_new_tokens must be at least 1 and at most 1,000,000"),
        ("text", ["--num_return_sequences", str(10**9)], "num_return_sequences must be at least 1 and at most 10000"),
        ("text", ["--num_beams", "50"], "num_beams must be at most "),
        ("text", ["--prompt", "a\udcff"], "--prompt 'a?' is not valid UTF-8"),
        ("music", ["--output", "tune.wav"], "music is written as MIDI: name a file that ends in .mid (or .json"),
        ("music", ["--output", "tune.mid", "--format", "json"], "--format json does not fit --output tune.mid"),
        ("music", ["--prompt", "nope.mid"], "there is no file 'nope.mid' (looked in "),
        ("music", ["--prompt", "Hello"], "there is no file 'Hello' (looked in "),
        ("music", ["--prompt", "builtin:melodies"], "a model of music continues a MIDI file"),
    ],
)
def test_generate_rejects_invalid_settings(text_model, music_model, capsys, model, words, message):
    assert main(["generate", {"text": text_model, "music": music_model}[model], *words]) == 2
    assert message in capsys.readouterr().err


def test_generate_needs_a_language_model(tmp_path, capsys):
    tokenizer = train_tokenizer("word", ["a b"] * 2, vocab_size=50)
    RecurrentForSequenceClassification(RecurrentConfig(vocab_size=50, hidden_size=4)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert main(["generate", str(tmp_path)]) == 2
    assert "this model is for sequence_classification, not for causal_lm" in capsys.readouterr().err


def test_train_names_the_extra_for_mido(files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    assert main(["train", "--dataset", "broken.mid", *LANGUAGE]) == 2
    error = capsys.readouterr().err
    assert "mido" in error and 'pip install "hfseq[music]"' in error
