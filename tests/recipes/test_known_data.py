"""`recipes/known_data.py` on downloads of a few rows, in the layouts of their publishers."""

import csv
import gzip
import importlib.util
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from hfseq.training.reading import read_yaml
from hfseq.training.settings import resolve

RECIPES = Path(__file__).parents[2] / "recipes"
SCRIPT = RECIPES / "known_data.py"


@pytest.fixture(scope="module")
def known_data():
    """The script as a module. It imports its neighbours, as a script does."""
    sys.path.insert(0, str(RECIPES))
    spec = importlib.util.spec_from_file_location("known_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def convert(known_data, tmp_path):
    """Converts the download that the test has written to `download`, and returns the resulting folder."""
    (tmp_path / "download").mkdir()

    def run(name):
        words = [name, str(tmp_path / "download"), "--output", str(tmp_path / name)]
        assert known_data.main(words) == 0
        return tmp_path / name

    run.download = tmp_path / "download"
    return run


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tinyshakespeare_is_converted(convert):
    (convert.download / "input.txt").write_text("0123456789" * 10)
    folder = convert("tinyshakespeare")
    assert (folder / "train.txt").read_text() == "0123456789" * 9
    assert (folder / "test.txt").read_text() == "0123456789"


@pytest.mark.parametrize("packed", [False, True])
def test_fsdd_is_converted(convert, packed):
    recordings = convert.download / "recordings"
    recordings.mkdir()
    for name in ("0_ann_0", "0_ann_5", "7_bob_4", "7_bob_49"):
        (recordings / f"{name}.wav").write_bytes(name.encode())
    if packed:
        with tarfile.open(convert.download / "recordings.tar.gz", "w:gz") as archive:
            archive.add(recordings, "recordings")
        for path in recordings.iterdir():
            path.unlink()
        recordings.rmdir()
    folder = convert("fsdd")
    assert table(folder / "test.csv") == [
        {"audio": "recordings/0_ann_0.wav", "text": "zero"},
        {"audio": "recordings/7_bob_4.wav", "text": "seven"},
    ]
    rows = table(folder / "train.csv")
    assert [row["text"] for row in rows] == ["zero", "seven"]
    assert (folder / rows[1]["audio"]).read_bytes() == b"7_bob_49"


def test_archive_cannot_write_outside_its_folder(convert, capsys):
    (convert.download / "evil.wav").write_bytes(b"evil")
    with tarfile.open(convert.download / "recordings.tar.gz", "w:gz") as archive:
        archive.add(convert.download / "evil.wav", "recordings/../../evil.wav")
    with pytest.raises(SystemExit) as stopped:
        convert("fsdd")
    assert stopped.value.code == 2
    assert "has a damaged archive: recordings/../../evil.wav is not inside" in capsys.readouterr().err
    assert not list(convert.download.parent.glob("evil.wav"))


def test_indoor_is_converted(convert):
    with zipfile.ZipFile(convert.download / "IndoorMovement.zip", "w") as archive:
        labels = [f"{number},{1 if number % 2 else -1}" for number in range(1, 10)]
        archive.writestr("dataset/MovementAAL_target.csv", "\n".join(["#sequence_ID, class_label", *labels]))
        for number in range(1, 10):
            archive.writestr(f"dataset/MovementAAL_RSS_{number}.csv", "#a, b\n0,1\n")
    folder = convert("indoor")
    test, train = table(folder / "test.csv"), table(folder / "train.csv")
    assert (len(test), len(train)) == (3, 6)
    files = [row["file"] for row in test + train]
    assert len(set(files)) == 9 and all((folder / name).is_file() for name in files)
    assert all(row["label"] == ("1" if int(row["file"][-5]) % 2 else "-1") for row in test + train)


@pytest.mark.parametrize("lines", [False, True])
def test_nlupp_is_converted(convert, lines):
    examples = [
        {"domain": domain, "fold": fold, "text": f"{domain} {fold}", **({"intents": ["pin"]} if fold else {})}
        for domain in ("banking", "hotels")
        for fold in range(20)
    ]
    for example in examples:
        if lines:
            with (convert.download / f"{example['domain']}.jsonl").open("a") as file:
                file.write(json.dumps(example) + "\n")
        else:
            path = convert.download / example["domain"] / f"fold{example['fold']}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps([example]))
    folder = convert("nlupp")
    splits = {path.stem: path.read_text().splitlines() for path in folder.iterdir()}
    assert {name: len(found) for name, found in splits.items()} == {"train": 32, "validation": 4, "test": 4}
    assert json.loads(splits["train"][0]) == {"text": "banking 0", "intents": []}
    assert json.loads(splits["test"][-1]) == {"text": "hotels 19", "intents": ["pin"]}


def test_wnut17_is_converted(convert):
    for name in ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"):
        (convert.download / name).write_text(f"{name}\tO\n")
    folder = convert("wnut17")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "train.conll": "wnut17train.conll\tO\n",
        "dev.conll": "emerging.dev.conll\tO\n",
        "test.conll": "emerging.test.annotated\tO\n",
    }


def test_flickr8k_is_converted(convert):
    (convert.download / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (convert.download / "images" / name).write_bytes(b"")
    with gzip.open(convert.download / "Flickr8k.token.txt.gz", "wt") as file:
        file.writelines(f"{name}.jpg#{number}\t{name} {number} .\n" for name in "abc" for number in range(2))
    (convert.download / "Flickr_8k.trainImages.txt").write_text("b.jpg\nc.jpg\n")
    (convert.download / "Flickr_8k.devImages.txt").write_text("a.jpg\n")
    folder = convert("flickr8k")
    assert [row["caption"] for row in table(folder / "train.csv")] == ["b 0 .", "b 1 ."]
    assert table(folder / "test.csv")[0] == {"image": "images/a.jpg", "caption": "a 0 ."}
    assert (folder / "images" / "a.jpg").is_file()


def test_known_data_rejects_invalid_arguments(tmp_path):
    def error_message(*words):
        command = [sys.executable, str(SCRIPT), *map(str, words)]
        process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert process.returncode == 2
        return process.stderr

    (tmp_path / "empty").mkdir()
    assert "is not a download of wnut17: " in error_message("wnut17", tmp_path / "empty", "--output", "out")
    assert "wnut17train.conll" in error_message("wnut17", tmp_path / "empty", "--output", "out")
    assert "recordings, and no archive" in error_message("fsdd", tmp_path / "empty", "--output", "out2")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "train.csv").write_text("mine")
    assert "full is not empty" in error_message("fsdd", tmp_path / "empty", "--output", "full")
    assert (tmp_path / "full" / "train.csv").read_text() == "mine"
    assert "invalid choice: 'mnist'" in error_message("mnist", tmp_path / "empty")


# The table of run records.


def write_record(folder, data, model, seed=0, status="finished", **metrics):
    """A run record with the fields that the table reads."""
    path = folder / data / model / f"seed-{seed}" / "run.json"
    path.parent.mkdir(parents=True)
    values = {"status": status, "seed": seed, "task": "sequence_classification", "finished_at": "2026-01-01"}
    values |= {"metrics": {"test": metrics}, "data": {"examples": {"test": 400}}}
    path.write_text(json.dumps(values))
    return path, values


def rows(text):
    """Cells of each row of the table, by the first cell."""
    found = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {cells[0]: cells[1:] for cells in found}


def test_table_shows_a_figure_per_model_with_its_standard_error(known_data, tmp_path, capsys):
    for seed, accuracy in enumerate((0.89, 0.91)):
        write_record(tmp_path, "banking77", "lstm", seed, accuracy=accuracy)
    write_record(tmp_path, "banking77", "minilm", accuracy=0.9)
    assert known_data.main(["table", "--runs", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    # 0.9 * 0.1 / 400 = 0.015 ** 2; with the variance of two seeds, 0.0002 / 2, it is 0.018 ** 2.
    assert rows(text)["banking77, accuracy"][1:] == ["90.0 % ± 1.8 %", "", "", "90.0 % ± 1.5 %", "0, 1; 0"]
    assert "34 runs are missing:\n  hfseq train recipes/configs/known/splice/lstm.yaml\n" in text


def test_table_skips_unfinished_runs_and_shows_baselines(known_data, tmp_path):
    write_record(tmp_path, "banking77", "lstm", status="failed", accuracy=0.9)
    path, values = write_record(tmp_path, "airline", "gru", mase=0.4554)
    values |= {"task": "forecasting", "data": {"baselines": {"linear": {"mase": 0.563}, "last": {"mase": 1.5}}}}
    path.write_text(json.dumps(values))
    found = rows(known_data.table(tmp_path))
    assert found["airline, MASE"][2] == "0.455 (linear 0.563, last 1.500)"
    assert found["banking77, accuracy"][1] == ""


def test_table_shows_the_latest_of_two_runs_with_one_seed(known_data, tmp_path):
    path, values = write_record(tmp_path, "fsdd", "gru", cer=0.01)
    values |= {"task": "ctc", "finished_at": "2026-01-02", "metrics": {"test": {"cer": 0.02}}}
    again = path.parents[1] / "again" / "run.json"
    again.parent.mkdir()
    again.write_text(json.dumps(values))
    assert rows(known_data.table(tmp_path))["FSDD letters, CER"][2] == "2.00 %"


# The YAML files.

CONFIGS = sorted((RECIPES / "configs" / "known").rglob("*.yaml"))
DATA = Path(__file__).parents[3] / "shared" / "data"
README = (RECIPES / "README.md").read_text(encoding="utf-8")


def test_each_row_of_the_readme_has_its_files(known_data):
    from known.table import KNOWN, MODELS

    shown = rows(README)
    for name, data in KNOWN.items():
        files = {path.stem for path in CONFIGS if path.parent.name == name}
        literature, *figures, command = shown[data.title]
        assert literature == data.expected
        assert {model for model, figure in zip(MODELS, figures, strict=True) if figure} == files
        assert command in {f"`hfseq train recipes/configs/known/{name}/{model}.yaml`" for model in files}
        assert len(command) <= 100
    assert {path.parent.name for path in CONFIGS} == {*KNOWN, "sst2"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_settings_of_a_known_data_set_are_valid(path):
    values = read_yaml(path)
    assert values["output_dir"] == f"runs/known/{path.parent.name}/{path.stem}/seed-0"
    folder = "/".join(values["dataset"].split("/")[:2])
    assert folder.startswith("data/") and f"| `{folder}" in README, "the README does not say where the data is from"
    if "/" not in values["model"]:  # else it is the folder of an earlier run
        assert resolve(values).data.task == values["task"]


# Publisher's name of a folder -> name in recipes/README.md.
SHARED = {"pendigits": "pendigits", "forecast_univariate": "forecast", "ucr_uea": "ucr_uea"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "cell"),
    [("airline/gru", 1), ("pendigits/gru", 1)],
)
def test_a_command_of_the_readme_reproduces_its_figure(config, cell, known_data, tmp_path, process_environment):
    """Up to the differences between processors, which are several examples of pendigits and more for airline."""
    if not DATA.is_dir():
        pytest.skip(f"the data sets are not in {DATA}")
    from known.table import KNOWN

    (tmp_path / "data").mkdir()
    for source, name in SHARED.items():
        (tmp_path / "data" / name).symlink_to(DATA / source)
    command = [sys.executable, "-m", "hfseq", "train", str(RECIPES / "configs" / "known" / f"{config}.yaml")]
    done = subprocess.run(command, cwd=tmp_path, env=process_environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    title = KNOWN[config.split("/")[0]].title
    measured = rows(known_data.table(tmp_path / "runs" / "known"))[title][1 + cell]
    published = rows(README)[title][1 + cell]
    assert float(measured.split()[0]) == pytest.approx(float(published.split()[0]), rel=0.1)


def test_settings_for_a_small_data_set_are_chosen_and_written(known_data, tmp_path, monkeypatch, capsys):
    """The YAML files get the data of the old ones, and only the chosen settings."""
    asked = {}

    def compare(models, seeds, output, **settings):
        asked.update(models=models, seeds=seeds, output=output, **settings)
        chosen = {"learning_rate": 0.01, "config_overrides": '{"hidden_size": 64}'}
        made = {"tuning": {"settings": chosen, "trial": 3}, "metrics": {"accuracy": {"values": [0.9, 0.95]}}}
        return {"models": dict.fromkeys(models, made)}

    old = (RECIPES / "configs" / "known" / "gunpoint" / "gru.yaml").read_text(encoding="utf-8")
    (tmp_path / "gunpoint").mkdir()
    (tmp_path / "gunpoint" / "gru.yaml").write_text(old, encoding="utf-8")
    monkeypatch.setattr(known_data, "CONFIGS", tmp_path)
    monkeypatch.setattr("hfseq.compare", compare)
    assert known_data.main(["tune", "gunpoint", "--trials", "5", "--seeds", "0", "1"]) == 0
    assert capsys.readouterr().out == "gunpoint gru: accuracy 0.900, 0.950 (trial 3 of 5)\n"
    assert (asked["models"], asked["seeds"], asked["tune"]) == (["gru"], [0, 1], 5)
    assert asked["validation_fraction"] == 0.3 and "num_train_epochs" not in asked
    values = read_yaml(tmp_path / "gunpoint" / "gru.yaml")
    assert values["learning_rate"] == 0.01 and values["model"] == "gru" and "num_train_epochs" not in values
    assert resolve(values).training.learning_rate == 0.01
    text = (tmp_path / "gunpoint" / "gru.yaml").read_text(encoding="utf-8")
    assert text.startswith(old.splitlines()[0]) and "best of 5 trials of `hfseq compare --tune`" in text
