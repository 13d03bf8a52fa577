import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from hfseq.commands import main
from hfseq.inference.predictor import Predictor
from hfseq.modalities.base import Modality
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.training.run import run_training

# Of very different length; two are longer than the 16 tokens that the models read.
RAGGED = [
    "great",
    "dull " * 40,
    "the film was fine",
    "",
    "a rainy and cold day " * 10,
    "sunny",
    "unheard-of wörds",
    "?",
]


@pytest.fixture(scope="module")
def trained(reviews, tmp_path_factory):
    """The folder of a tiny trained model, and the record of its run."""
    folder = tmp_path_factory.mktemp("trained") / "lstm"
    settings = {
        "model": "lstm",
        "config_overrides": "hidden_size=8,embedding_size=8",
        "dataset": str(reviews),
        "cache_dir": str(folder.parent / "cache"),
        "max_length": 16,
        "num_train_epochs": 2,
        "learning_rate": 0.02,
        "output_dir": str(folder),
        "use_cpu": True,
        "disable_tqdm": True,
    }
    return folder, run_training(settings)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Creates folders with tiny models that were not trained."""
    tokenizer = train_tokenizer("word", RAGGED * 2, vocab_size=100, model_max_length=16)

    def make(name, **labels):
        folder = tmp_path_factory.mktemp(name)
        torch.manual_seed(0)
        config = RecurrentConfig(vocab_size=len(tokenizer), embedding_size=4, hidden_size=4, pad_token_id=0, **labels)
        RecurrentForSequenceClassification(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return make


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "datasets-cache"))


@pytest.fixture
def hfseq(capsys, monkeypatch):
    """Runs a command; returns its exit code, its output, and its error message."""

    def run(*words, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.strip().rpartition("\n")[2]

    return run


def own_scores(folder, texts):
    """Scores of each text alone, computed with transformers only."""
    predictor = Predictor.load(str(folder), device="cpu")
    rows = []
    for text in texts:
        inputs = predictor.processor(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.inference_mode():
            rows.append(predictor.model(**inputs).logits[0].softmax(-1).numpy())
    return np.array(rows)


# --- predict


def test_predict_labels_several_texts(hfseq, trained):
    code, out, _ = hfseq("predict", trained[0], "--text", "great", "--text", "  dull\tand  dull ")
    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [line[2] for line in lines] == ["great", "dull and dull"]
    best = own_scores(trained[0], ["great", "  dull\tand  dull "]).max(-1)
    assert [float(line[1]) for line in lines] == pytest.approx(best, abs=1e-4)
    assert {line[0] for line in lines} <= {"good", "bad"}


def test_predict_keeps_the_order_of_rows_and_the_scores_of_the_model(hfseq, trained, monkeypatch, tmp_path):
    monkeypatch.setattr(Modality, "batch_size", 3)
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"review": text}) + "\n" for text in RAGGED), encoding="utf-8")
    words = ["predict", trained[0], "--input", path, "--text_column", "review", "--batch_size", "2"]
    code, out, _ = hfseq(*words, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["text"] for row in rows] == RAGGED
    scores = np.array([[row["scores"]["bad"], row["scores"]["good"]] for row in rows])
    np.testing.assert_allclose(scores, own_scores(trained[0], RAGGED), atol=1e-5)
    assert [row["labels"] for row in rows] == [[("bad", "good")[index]] for index in scores.argmax(-1)]


def test_predict_reads_and_writes_csv(hfseq, trained, tmp_path):
    texts = ['great, "really"', "dull", "two\nlines"]
    path = tmp_path / "texts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "review"], *enumerate(texts)])
    code, out, _ = hfseq("predict", trained[0], "--input", path, "--text_column", "review", "--format", "csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert code == 0
    assert rows[0] == ["id", "text", "labels", "bad", "good"]
    assert [row[:2] for row in rows[1:]] == [[str(number), text] for number, text in enumerate(texts)]
    scores = np.array([row[3:] for row in rows[1:]], dtype=float)
    np.testing.assert_allclose(scores, own_scores(trained[0], texts), atol=2e-6)


def test_predict_keeps_the_id_column(hfseq, trained, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("ticket,text\n0017,great\n0018,dull\n")
    words = ["predict", trained[0], "--input", path]
    assert hfseq(*words, "--format", "csv")[1].startswith("text,labels")
    code, out, _ = hfseq(*words, "--id_column", "ticket", "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(str(row["ticket"]).zfill(4), row["text"]) for row in rows] == [("0017", "great"), ("0018", "dull")]


@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl"])
def test_predict_reads_a_table_on_standard_input(hfseq, trained, tmp_path, kind):
    rows = [{"id": "a", "text": "great, really"}, {"id": "b", "text": "dull"}]
    lines = ["id\ttext", *("\t".join(row.values()) for row in rows)]
    content = {
        "csv": 'id,text\na,"great, really"\nb,dull\n',
        "tsv": "\n".join(lines),
        "json": json.dumps(rows),
        "jsonl": "\n".join(map(json.dumps, rows)),
    }[kind]
    (tmp_path / f"rows.{kind}").write_text(content)
    expected = hfseq("predict", trained[0], "--input", tmp_path / f"rows.{kind}", "--format", "csv")[:2]
    assert expected[0] == 0 and len(expected[1].splitlines()) == 3
    words = ["predict", trained[0], "--input_format", kind, "--format", "csv"]
    assert hfseq(*words, stdin=content)[:2] == expected
    assert hfseq(*words, "--input", "-", stdin=content)[:2] == expected


def test_predict_rejects_a_damaged_table_on_standard_input(hfseq, trained):
    words = ["predict", trained[0], "--input", "-", "--input_format", "csv"]
    code, out, error = hfseq(*words, stdin="text\ngreat\ndull,bad\n")
    assert (code, out) == (2, "")
    assert "error: standard input, line 3: 2 cells, but the header has 1" in error
    assert "standard input is empty" in hfseq(*words, stdin="")[2]


def test_predict_notes_a_table_that_is_read_as_lines(hfseq, trained):
    for content, kind in (("id,text\na,great\n", "csv"), ('{"text": "great"}\n', "jsonl")):
        code, out, note = hfseq("predict", trained[0], "--input", "-", stdin=content)
        assert code == 0 and len(out.splitlines()) == len(content.splitlines())
        assert f"note: standard input looks like {kind}, but each line is read as one text" in note
    for words, content in (([], "great, really\n"), (["--input_format", "txt"], "id,text\n")):
        assert hfseq("predict", trained[0], *words, stdin=content)[2] == ""


# --- where answers go


def test_predict_writes_the_same_to_a_file_and_to_the_screen(hfseq, trained, tmp_path):
    words = ["predict", trained[0], "--text", "great", "--text", 'a "dull", day']
    for form in ("text", "json", "jsonl", "csv"):
        printed = hfseq(*words, "--format", form)[1]
        for path in (tmp_path / "answers", tmp_path / f"answers.{form}"):
            given = ["--format", form] if path.suffix == "" else []
            assert hfseq(*words, "--output", path, *given)[:2] == (0, "")
            assert path.read_text() == printed
    records = json.loads((tmp_path / "answers.json").read_text())
    assert records == [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [record["text"] for record in records] == ["great", 'a "dull", day']


def test_predict_never_leaves_an_incomplete_file(hfseq, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(Modality, "batch_size", 1)
    target, real = tmp_path / "answers.csv", Predictor.predict_rows
    target.write_text("earlier")

    def fails_at_last(self, rows, columns, batch_size):
        if rows["text"] == ["last"]:
            raise KeyboardInterrupt
        return real(self, rows, columns, batch_size)

    monkeypatch.setattr(Predictor, "predict_rows", fails_at_last)
    words = ["predict", trained[0], "--batch_size", "1", "--text", "great", "--text", "last", "--output", target]
    assert hfseq(*words)[:2] == (130, "")
    assert target.read_text() == "earlier" and [path.name for path in tmp_path.iterdir()] == ["answers.csv"]
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    assert hfseq("predict", trained[0], "--text", "great", "--output", link)[0] == 0
    assert link.is_symlink() and target.read_text().startswith("text,labels")
    assert hfseq("predict", trained[0], "--text", "great", "--output", "/dev/null")[:2] == (0, "")


def test_output_does_not_replace_an_input_file(hfseq, trained, reviews, tmp_path):
    data, model = tmp_path / "reviews", tmp_path / "model"
    shutil.copytree(reviews, data)
    shutil.copytree(trained[0], model)
    config = model / "config.yaml"
    config.write_text(config.read_text().replace(str(reviews), str(data)))
    link = tmp_path / "link.csv"
    link.symlink_to(data / "test.csv")
    before = {path: path.read_bytes() for path in [*data.iterdir(), *model.iterdir()] if path.is_file()}
    read, own = "is a file of the input folder", "is a file of the model"
    for words, message in [
        (["evaluate", model, "--output", data / "test.csv"], read),
        (["evaluate", model, "--dataset", data, "--output", data / "train.csv"], read),
        (["evaluate", model, "--dataset", data, "--output", link], read),
        (["predict", model, "--text", "great", "--output", model / "config.json"], own),
        (["predict", model, "--text", "great", "--output", model / "run.json"], own),
    ]:
        code, out, error = hfseq(*words)
        assert (code, out) == (2, "") and message in error
    assert {path: path.read_bytes() for path in before} == before
    for _ in range(2):  # results beside the model may be replaced
        assert hfseq("predict", model, "--text", "great", "--output", model / "answers.csv")[0] == 0


def test_predict_notes_files_of_several_models_in_one_folder(hfseq, trained, tmp_path, caplog):
    model = tmp_path / "model"
    shutil.copytree(trained[0], model)
    assert hfseq("predict", model, "--text", "great")[0] == 0
    assert not caplog.records
    config = json.loads((model / "config.json").read_text())
    config["id2label"] = {"0": config["id2label"]["1"], "1": config["id2label"]["0"]}
    (model / "config.json").write_text(json.dumps(config))
    assert hfseq("predict", model, "--text", "great")[0] == 0
    (message,) = [record.getMessage() for record in caplog.records]
    assert "model is not as its training wrote it: config.json has " in message


def test_evaluate_writes_the_same_results_in_all_formats(hfseq, trained, reviews, tmp_path):
    words = ["evaluate", trained[0], "--dataset", reviews]
    metrics = json.loads(hfseq(*words, "--format", "json")[1])
    assert json.loads(hfseq(*words, "--format", "jsonl")[1]) == metrics
    header, cells = csv.reader(io.StringIO(hfseq(*words, "--format", "csv")[1]))
    assert dict(zip(header, map(float, cells), strict=True)) == pytest.approx(metrics)
    assert hfseq(*words, "--output", tmp_path / "metrics.json")[:2] == (0, "")
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    values = json.loads(hfseq("env", "--format", "json")[1])
    assert [line.partition("  ")[0] for line in hfseq("env")[1].splitlines()] == list(values)


def test_predict_keeps_an_empty_line_of_a_text_file(hfseq, trained, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("great\n\nwörd\n", encoding="utf-8")
    code, out, _ = hfseq("predict", trained[0], "--input", path, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["text"] for row in rows] == ["great", "", "wörd"]
    assert "wörd" in out


def test_predict_reads_lines_on_standard_input(hfseq, trained):
    code, out, _ = hfseq("predict", trained[0], stdin="great\n\ndull")
    assert code == 0
    assert [line.split("\t")[2] for line in out.splitlines()] == ["great", "", "dull"]


def test_predict_splits_lines_at_line_ends_only(trained, tmp_path, capsys, monkeypatch):
    """A byte order mark, line ends of Windows, and separators within a line, in a file and on standard input."""
    texts = ["great", "lovely\u2028film", "", "dull\x85day"]
    content = ("\ufeff" + "".join(f"{text}\r\n" for text in texts)).encode()
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="latin-1"))
    for words in (["--input", str(path)], []):
        assert main(["predict", str(trained[0]), "--format", "jsonl", *words]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
        assert [row["text"] for row in rows] == texts
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a \xe4\n"), errors="surrogateescape"))
    assert main(["predict", str(trained[0])]) == 2
    assert "standard input is not UTF-8; convert it first" in capsys.readouterr().err


def test_predict_accepts_empty_input(hfseq, trained, tmp_path):
    assert hfseq("predict", trained[0])[:2] == (0, "")
    (tmp_path / "empty.txt").write_text("")
    assert hfseq("predict", trained[0], "--input", tmp_path / "empty.txt")[:2] == (0, "")
    (tmp_path / "blank.txt").write_text("\n\n")
    assert len(hfseq("predict", trained[0], "--input", tmp_path / "blank.txt")[1].splitlines()) == 2


def test_predict_finds_the_column_of_the_training(hfseq, trained, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("review,text\nno,yes\n")
    code, out, _ = hfseq("predict", trained[0], "--input", path, "--format", "jsonl")
    assert (code, json.loads(out)["text"]) == (0, "yes")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "nope.txt"], "no such file or folder: 'nope.txt'"),
        (["--input", "nope.csv"], "no such file or folder: 'nope.csv' (that is "),
        (["--input", "a.csv", "--text", "x"], "give --text or --input, not both"),
        (["--input", "a.csv", "--input_format", "csv"], "--input_format is the format of standard input"),
        (["--text", "a \udcff"], "--text 'a ?' is not valid UTF-8"),
        (["--text", "x", "--output", "splits"], "--output 'splits' is not the name of a file: it is a folder"),
        (["--text", "x", "--output", "nowhere/a.csv"], "--output nowhere/a.csv: there is no folder "),
        (["--input", "rows.csv", "--output", "./rows.csv"], "is the input file; name another file"),
        (["--text", "x", "--text", "y", "--text_pair", "z"], "give one --text_pair for each --text"),
        (["--text", "x", "--batch_size", "0"], "--batch_size must be at least 1, not 0"),
        (["--input", "rows.csv"], "no column looks like the text among 'n', 'words'. Name it with --text_column"),
        (["--input", "rows.csv", "--text_column", "word"], "there is no column 'word', did you mean 'words'?"),
        (["--input", "gap.csv", "--text_column", "words"], "gap.csv, row 1: the text in column 'words' is missing"),
        (["--input", "latin.txt"], "latin.txt is not UTF-8: byte 0xe4 at offset 2 (line 1); save the file as UTF-8"),
        (["--input", "splits"], "splits has the splits train, test; name the file of one of them"),
    ],
)
def test_predict_rejects_invalid_input(hfseq, trained, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("n,words\n1,a\n")
    (tmp_path / "gap.csv").write_text("n,words\n1,a\n2,\n")
    (tmp_path / "latin.txt").write_bytes(b"a \xe4\n")
    (tmp_path / "splits").mkdir()
    for name in ("train", "test"):
        (tmp_path / "splits" / f"{name}.csv").write_text("text,label\na,good\n")
    code, out, error = hfseq("predict", trained[0], *words)
    assert (code, out) == (2, "")
    assert error.startswith("hfseq: error: ")
    assert message in error


def test_predict_rejects_a_folder_without_a_model(hfseq, tmp_path):
    code, _, error = hfseq("predict", tmp_path, "--text", "x")
    assert (code, error) == (
        2,
        f"hfseq: error: the folder {tmp_path} holds no model: there is no config.json in it (the folder is empty)",
    )
    code, _, error = hfseq("predict", tmp_path / "nope", "--text", "x")
    assert (code, error) == (2, f"hfseq: error: there is no folder {tmp_path / 'nope'} (looked in {tmp_path})")


def test_predict_shows_several_labels(hfseq, untrained):
    names = ["red", "green", "blue"]
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    folder = untrained("multi", problem_type="multi_label_classification", **labels)
    logits = Predictor.load(folder).logits(RAGGED)
    expected = 1 / (1 + np.exp(-logits))
    words = [word for text in RAGGED for word in ("--text", text)]
    code, out, _ = hfseq("predict", folder, *words, "--format", "jsonl")
    assert code == 0
    for line, row in zip(out.splitlines(), expected, strict=True):
        found = json.loads(line)
        assert list(found["scores"].values()) == pytest.approx(row, abs=1e-5)
        assert found["labels"] == [name for name, score in zip(names, row, strict=True) if score > 0.5]
    assert any(len(json.loads(line)["labels"]) != 1 for line in out.splitlines())
    _, out, _ = hfseq("predict", folder, *words, "--format", "csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["text", "labels", *names]
    assert rows[1][1] == "|".join(name for name, score in zip(names, expected[0], strict=True) if score > 0.5)
    _, out, _ = hfseq("predict", folder, *words)
    for line, row in zip(out.splitlines(), expected, strict=True):
        chosen = [name for name, score in zip(names, row, strict=True) if score > 0.5]
        label, score, _ = line.split("\t")
        assert (label, float(score)) == (",".join(chosen) or "-", pytest.approx(row.max(), abs=1e-4))


def test_predict_shows_the_value_of_a_regression(hfseq, untrained):
    folder = untrained("regression", problem_type="regression", num_labels=1)
    values = Predictor.load(folder).logits(["great", "dull"])[:, 0]
    words = ["predict", folder, "--text", "great", "--text", "dull"]
    _, out, _ = hfseq(*words, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["labels"] for row in rows] == [[], []]
    assert [row["scores"]["value"] for row in rows] == pytest.approx(values, abs=1e-6)
    _, out, _ = hfseq(*words, "--format", "csv")
    assert next(csv.reader(io.StringIO(out))) == ["text", "labels", "value"]
    _, out, _ = hfseq(*words)
    assert out == f"value\t{values[0]:.4f}\tgreat\nvalue\t{values[1]:.4f}\tdull\n"


def test_predict_needs_both_texts_of_a_pair(hfseq, trained):
    words = ["predict", trained[0], "--text", "great", "--text_pair", "dull", "--format", "jsonl"]
    code, out, _ = hfseq(*words)
    predictor = Predictor.load(str(trained[0]))
    expected = predictor([("great", "dull")])[0].scores
    assert code == 0
    assert json.loads(out)["scores"] == pytest.approx(expected, abs=1e-6)
    assert expected != predictor(["great"])[0].scores


# --- evaluate


def test_evaluate_repeats_the_metrics_of_the_run(hfseq, trained, reviews):
    folder, record = trained
    code, out, _ = hfseq("evaluate", folder, "--dataset", reviews, "--format", "json", "--batch_size", "7")
    metrics = json.loads(out)
    assert code == 0
    expected = {name: value for name, value in record.metrics["test"].items() if name != "loss"}
    assert metrics == pytest.approx(expected, abs=1e-6)
    assert metrics["accuracy"] > 0.5


def test_evaluate_uses_the_data_of_the_training_by_default(hfseq, trained):
    folder, record = trained
    code, out, _ = hfseq("evaluate", folder, "--split", "validation")
    metrics = dict(line.split() for line in out.splitlines())
    assert code == 0
    assert float(metrics["accuracy"]) == pytest.approx(record.metrics["validation"]["accuracy"], abs=1e-4)


def test_evaluate_uses_the_only_split_of_a_file(hfseq, trained, reviews):
    folder, record = trained
    path = reviews / "test.csv"
    code, out, _ = hfseq("evaluate", folder, "--dataset", path, "--split", "train", "--format", "json")
    assert (code, json.loads(out)["accuracy"]) == (0, pytest.approx(record.metrics["test"]["accuracy"]))
    # It is the only split there is, so it need not be named.
    assert hfseq("evaluate", folder, "--dataset", path, "--format", "json")[:2] == (0, out)
    code, _, error = hfseq("evaluate", folder, "--dataset", path, "--split", "test")
    assert (code, error) == (2, f"hfseq: error: '{path}' has no split 'test': choose from 'train'")


def test_evaluate_accepts_other_names_of_a_split(hfseq, trained, reviews):
    words = ["evaluate", trained[0], "--dataset", reviews, "--format", "json", "--split"]
    assert hfseq(*words, "dev")[:2] == hfseq(*words, "validation")[:2]


def test_saved_files_contain_no_absolute_path(trained, reviews):
    folder, _ = trained
    places = [str(place).encode() for place in (folder.parent, reviews.parent, Path.home(), Path.cwd())]
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "config.yaml"]
    assert {"run.json", "README.md", "training_args.bin"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert not [place for place in places if len(place) > 1 and place in content], path.name
    assert json.loads((folder / "run.json").read_text())["data"]["dataset"] == f"./{reviews.name}"


def test_evaluate_recognizes_the_data_of_the_training_by_its_content(hfseq, trained, reviews, tmp_path):
    folder, record = trained
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "config.yaml").unlink(missing_ok=True)
    code, _, error = hfseq("evaluate", tmp_path / "model")
    assert code == 2
    assert f"trained on, {reviews.name!r}, is not in this folder: name it with --dataset" in error
    moved = tmp_path / "elsewhere" / reviews.name
    shutil.copytree(reviews, moved)
    words = ["evaluate", tmp_path / "model", "--dataset", moved, "--format", "json"]
    assert json.loads(hfseq(*words)[1])["accuracy"] == pytest.approx(record.metrics["test"]["accuracy"])
    # Other data of the same name is other data.
    (moved / "train.csv").write_text("text,label\ngreat,good\ndull,bad\n")
    assert json.loads(hfseq(*words)[1])["accuracy"] == pytest.approx(record.metrics["test"]["accuracy"])


def test_evaluate_rejects_an_unknown_split(hfseq, trained, reviews):
    code, _, error = hfseq("evaluate", trained[0], "--dataset", reviews, "--split", "tset")
    assert (code, error) == (2, f"hfseq: error: '{reviews}' has no split 'tset': did you mean 'test'?")


def test_evaluate_rejects_an_unknown_label(hfseq, trained, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("text,label\nfine,good\nodd,bda\n")
    code, _, error = hfseq("evaluate", trained[0], "--dataset", path, "--split", "train")
    assert code == 2
    assert error == (
        f"hfseq: error: split 'train' of '{path}', row 1: label 'bda' was not seen in training, did you mean 'bad'?"
    )


def test_evaluate_rejects_data_without_labels(hfseq, trained, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("text,verdict\nfine,good\n")
    code, _, error = hfseq("evaluate", trained[0], "--dataset", path, "--split", "train")
    assert code == 2
    assert "no column looks like the label among 'text', 'verdict'. Name it with --label_column" in error
    words = ["evaluate", trained[0], "--dataset", path, "--split", "train", "--label_column", "verdict"]
    assert hfseq(*words)[0] == 0


def test_evaluate_needs_a_data_set_for_a_model_without_a_record(hfseq, trained, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(trained[0], folder, ignore=shutil.ignore_patterns("run.json"))
    code, _, error = hfseq("evaluate", folder)
    assert code == 2
    assert error == ("hfseq: error: name the data with --dataset: this model does not say what it was trained on")
    code, _, error = hfseq("evaluate", folder, "--batch_size", "0")
    assert (code, error) == (2, "hfseq: error: --batch_size must be at least 1, not 0")


def test_evaluate_computes_metrics_of_a_regression(hfseq, untrained, tmp_path):
    folder = untrained("regression", problem_type="regression", num_labels=1)
    values = Predictor.load(folder).logits(["great", "dull", "sunny"])[:, 0]
    path = tmp_path / "numbers.csv"
    path.write_text("text,score\ngreat,1.5\ndull,-1\nsunny,0.25\n")
    code, out, _ = hfseq("evaluate", folder, "--dataset", path, "--split", "train", "--format", "json")
    expected = float(np.mean((values - np.array([1.5, -1.0, 0.25])) ** 2))
    assert (code, json.loads(out)["mse"]) == (0, pytest.approx(expected, rel=1e-5))
