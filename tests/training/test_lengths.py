"""How much of an example is read by default, and what is said of the rest."""

import json

import pytest
from small import TINY, write_csv

from hfseq.training.preparation import load_data, prepare
from hfseq.training.reading import parse_mapping
from hfseq.training.run import run_training
from hfseq.training.settings import resolve


def documents(path, length, count=100, longer=0):
    """Documents of so many words; the first `longer` of them have ten times as many."""
    return write_csv(
        path,
        [
            {
                "text": " ".join(["word", f"w{n % 9}"] * ((length * (10 if n < longer else 1)) // 2)),
                "label": "ab"[n % 2],
            }
            for n in range(count)
        ],
    )


def prepared(path, **settings):
    settings = {**TINY, "max_length": None, "dataset": str(path), "cache_dir": str(path.parent / "c"), **settings}
    arguments = resolve(parse_mapping(settings, where="test"))
    data = load_data(arguments.data)
    return arguments, prepare(arguments, data)


def test_default_length_follows_the_data(tmp_path):
    arguments, run = prepared(documents(tmp_path / "a.csv", 200))
    assert arguments.data.max_length == 201  # with the token at the end
    assert set(run.truncated_share.values()) == {0} and run.processor.model_max_length == 201
    # Short texts keep the default that they always had, and are read once.
    arguments, run = prepared(documents(tmp_path / "b.csv", 20))
    assert arguments.data.max_length == 128 == run.processor.model_max_length
    # One document of a thousand words among 1,000 of 200 is beyond the 99th percentile, and is cut.
    arguments, run = prepared(documents(tmp_path / "c.csv", 200, count=300, longer=1), validation_fraction=0.02)
    assert arguments.data.max_length == 201
    assert max(map(len, run.splits["train"]["input_ids"])) == 201 and max(run.truncated_share.values()) > 0
    # What is given wins, be it the old default.
    for given in (16, 128):
        arguments, run = prepared(tmp_path / "a.csv", max_length=given)
        assert arguments.data.max_length == given and set(run.truncated_share.values()) == {1}


def test_default_length_fits_the_model(tmp_path, tiny_bert):
    path = documents(tmp_path / "a.csv", 1500, count=40)
    assert prepared(path)[0].data.max_length == 1024
    small = {"model": "transformer", "config_overrides": "hidden_size=8,num_attention_heads=1,intermediate_size=8"}
    arguments, run = prepared(path, **small)
    assert arguments.data.max_length == 512 and run.built.model.config.max_position_embeddings >= 512
    arguments, run = prepared(path, model=str(tiny_bert), config_overrides=None)
    assert arguments.data.max_length == 32 == run.processor.model_max_length


def test_truncation_is_noted_before_training_and_the_length_is_kept(tmp_path, capfd):
    from hfseq.inference.predictor import Predictor

    path = documents(tmp_path / "a.csv", 200, count=300, longer=1)
    given = {**TINY, "dataset": str(path), "max_steps": 2, "cache_dir": str(tmp_path / "c")}
    del given["max_length"]
    record = run_training({**given, "output_dir": str(tmp_path / "run")})
    said = capfd.readouterr().err
    assert "note: max_length 201 cut " in said and "a larger --max_length reads more" in said
    assert said.startswith("modality: text, from a.csv\n")
    assert said.index("note: max_length") < said.index("step ")
    assert record.data["max_length"] == 201 and "max_length" not in record.config
    saved = Predictor.load(str(tmp_path / "run"))
    assert saved.arguments.max_length == 201
    expected = {name: value for name, value in record.metrics["test"].items() if name != "loss"}
    assert saved.evaluate(cache_dir=str(tmp_path / "c")) == pytest.approx(expected, rel=1e-4)
    # An interrupted run goes on with the length that it began with, whatever the default is by then.
    file = tmp_path / "run" / "run.json"
    values = json.loads(file.read_text())
    values["status"], values["data"]["max_length"] = "interrupted", 150
    file.write_text(json.dumps(values))
    assert run_training({**given, "output_dir": str(tmp_path / "run")}).data["max_length"] == 150


THAI = ["ฉันชอบหนังเรื่องนี้มาก", "หนังเรื่องนี้แย่มากจริงๆ", "นักแสดงเล่นดีและเพลงเพราะ"]
JAPANESE = ["この映画はとても面白かったです", "この映画は退屈で長すぎました", "音楽がとても良かったと思います"]
CHINESE = ["这部电影非常好看我很喜欢", "这部电影太无聊了不想再看", "演员的表演很精彩音乐也好"]


@pytest.mark.parametrize("texts", [THAI, JAPANESE, CHINESE], ids=["thai", "japanese", "chinese"])
def test_scripts_without_spaces_are_read_by_characters(tmp_path, texts):
    rows = [{"text": texts[n % 3] + texts[n * 7 % 3] * (n % 4), "label": "ab"[n % 2]} for n in range(100)]
    path = write_csv(tmp_path / "a.csv", rows)
    _, run = prepared(path)
    tokens = run.processor.convert_ids_to_tokens(run.splits["train"][0]["input_ids"])
    assert len(tokens) > 10 and "[UNK]" not in tokens
    assert any("written without spaces" in note for note in run.data.notes)
    assert not any("unknown" in note for note in run.data.notes)


def test_unknown_tokens_are_noted(tmp_path):
    # Each text has one word of its own in five.
    rows = [{"text": f"the film was good n{n}", "label": "ab"[n % 2]} for n in range(100)]
    _, run = prepared(write_csv(tmp_path / "a.csv", rows))
    notes = [note for note in run.data.notes if "unknown" in note]
    assert len(notes) == 1 and "--tokenizer_name bpe" in notes[0] and notes[0].startswith("16.7 % of the tokens")
    _, run = prepared(tmp_path / "a.csv", tokenizer_name="bpe", tokenizer_vocab_size=400)
    assert not any("unknown" in note for note in run.data.notes)
    assert not any("spaces" in note for note in run.data.notes)
    # Chinese that was cut into words before keeps its words.
    ends = ("太 无聊", "很 好看")
    rows = [{"text": f"这 部 电影 {ends[n % 2]} {n % 9}", "label": "ab"[n % 2]} for n in range(100)]
    _, run = prepared(write_csv(tmp_path / "b.csv", rows))
    assert "电影" in run.processor.get_vocab()
