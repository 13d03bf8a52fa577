import json
import subprocess
import sys

import huggingface_hub.constants
import pytest

from hfseq.commands import main
from hfseq.training.reading import read_settings
from hfseq.training.record import RunRecord, fingerprint_settings
from hfseq.training.settings import resolve
from hfseq.training.trainer import SequenceTrainer

HEADER = "text,label\n"


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch):
    def train(*args, **kwargs):
        raise AssertionError("a training has started")

    monkeypatch.setattr(SequenceTrainer, "train", train)
    # What setting HF_HUB_OFFLINE=1 does: no request leaves, and none is tried again.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def files(tmp_path, reviews, tiny_bert, monkeypatch):
    """The working directory, with the files of the cases below."""
    monkeypatch.chdir(tmp_path)
    rows = (reviews / "train.csv").read_text().partition("\n")[2]
    contents = {
        "good.csv": HEADER + rows,
        "empty.csv": "",
        "header.csv": HEADER,
        "one-class.csv": HEADER + "a,x\nb,x\nc,x\n",
        "no-label.csv": "text,verdict\na,x\nb,y\n",
        "missing-label.csv": HEADER + "a,x\nb,\nc,y\n",
        "missing-text.csv": HEADER + "".join(f"a {i % 3},{'xy'[i % 2]}\n" for i in range(30)) + ",x\n" * 4,
        "long-row.csv": HEADER + "a,x\nno, quotation marks,y\n",
        "numbers.csv": HEADER + "a,1.5\nb,2\nc,many\n",
        "nan.csv": HEADER + "a,1.5\nb,nan\n",
        "nan.jsonl": '{"text": "a", "label": 1.5}\n{"text": "b", "label": NaN}\n',
        "broken.jsonl": '{"text": "a", "label": 1.5}\n{"text": \n',
        "notes.docx": "text",
        "unseen/train.csv": HEADER + rows,
        "unseen/test.csv": HEADER + "a,good\nb,godo\n",
        "typo.yaml": "model: gru\nlearning_rte: 0.1\n",
        "type.yaml": "model: gru\nlearning_rate: fast\n",
        "list.yaml": "- model\n",
        "broken.yaml": "model: [gru\n",
        "nested.yaml": "model: typo.yaml\n",
        "huge.csv": HEADER + "".join(f"a {i},{i + 1}.5e300\n" for i in range(30)),
        "taken": "a file",
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (tmp_path / "tiny-bert").symlink_to(tiny_bert)
    (tmp_path / "no-model").mkdir()
    return tmp_path


DATA = [
    ("nope.csv", ["no such file or folder: 'nope.csv' (that is ", "The folder contains "]),
    ("nowhere/nope.csv", ["no such file or folder: 'nowhere/nope.csv'", "nowhere does not exist either"]),
    ("empty.csv", ["empty.csv is empty"]),
    ("header.csv", ["header.csv has a header but no rows"]),
    (
        "one-class.csv",
        ["split 'train' of 'one-class.csv', label column 'label'", "only one class, 'x'", "at least two"],
    ),
    ("no-label.csv", ["no column looks like the label among 'text', 'verdict'", "Name it with --label_column"]),
    ("missing-label.csv", ["'missing-label.csv'", "row 1: the label is missing. Fill it in, or drop the row"]),
    ("long-row.csv", ["long-row.csv, line 3: 3 cells, but the header has 2", "must be in quotation marks"]),
    ("unseen", ["split 'test' of 'unseen', row 1: label 'godo' was not seen in training, did you mean 'good'?"]),
    ("nan.jsonl", ["split 'train' of 'nan.jsonl'", "row 1: the target is nan, which is not a finite number"]),
    ("broken.jsonl", ["broken.jsonl, line 2 is not valid JSON"]),
    ("huge.csv", ["split 'train' of 'huge.csv'", "row 0: the target is", "Divide the column by a constant"]),
    ("notes.docx", ["notes.docx: unknown file type, expected .csv, .tsv"]),
    ("builtin:docstring", ["docstring", "did you mean 'docstrings'?"]),
    ("no-model", ["no-model has no file that is named after a split. The name must contain train"]),
    ("org/set", ["data set 'org/set' was not found on disk", "the Hub could not be reached", "builtin:docstrings"]),
]
FLAGS = [
    # Data settings.
    (["--text_column", "txet"], ["--text_column: there is no column 'txet', did you mean 'text'?", "'text', 'label'"]),
    (
        ["--text_column", "text", "--label_column", "text"],
        ["column 'text' cannot be both", "--text_column and --label_column"],
    ),
    (["--dataset", "numbers.csv", "--problem_type", "regression"], ["'numbers.csv'", "row 2: 'many' is not a number"]),
    (["--dataset", "nan.csv", "--problem_type", "regression"], ["'nan.csv'", "row 1: the target is nan"]),
    (["--problem_type", "regresion"], ["problem_type 'regresion' is not known", "did you mean 'regression'?"]),
    (
        ["--dataset_revision", "main"],
        ["--dataset_revision is for data sets on the Hub, but 'good.csv' is not on the Hub"],
    ),
    (["--max_length", "0"], ["max_length must be at least 1, not 0"]),
    (["--max_length", "1"], ["max_length is 1, but must be at least 2: the tokenizer adds 1 special tokens"]),
    (["--truncation", "haed"], ["truncation 'haed' is not known: did you mean 'head'?"]),
    (["--test_fraction", "1"], ["test_fraction must lie between 0 and 1, not 1.0"]),
    (["--max_train_samples", "0"], ["max_train_samples must be at least 1, not 0"]),
    (["--dataset", "missing-text.csv", "--split_seed", "1"], ["the text in column 'text' is missing: fill it in"]),
    (["--target_column", "label"], ["sequence_classification has no target_column ('label'): name the label with --"]),
    (["--quantiles", "0.1,0.9"], ["--quantiles is a setting of forecasting; the task is sequence_classification"]),
    (
        ["--task", "causal_lm", "--problem_type", "regression"],
        ["--problem_type is a setting of sequence_classification; the task is causal_lm"],
    ),
    # Models.
    (["--config_overrides", "use_crf=true"], ["use_crf is for token classification", "leave it out"]),
    (["--model", "lstmm"], ["no model 'lstmm'", "did you mean 'lstm'?"]),
    (["--model", "org/encoder"], ["no model 'org/encoder'", "connection, and HF_ENDPOINT, or name a local folder"]),
    (["--model", "./nope"], ["there is no folder nope (looked in "]),
    (["--model", "no-model"], ["the folder no-model holds no model: there is no config.json in it"]),
    (["--model_type", "brt"], ["model_type 'brt' is not known to transformers: did you mean 'bert'?"]),
    (
        ["--model", "tiny-bert", "--max_length", "100"],
        ["max_length is 100, but the model reads at most 32 tokens: set --max_length to 32 or less"],
    ),
    (
        ["--model", "tiny-bert", "--max_length", "16", "--config_overrides", "hiden_size=8"],
        ["the configuration of 'bert' has no 'hiden_size': did you mean 'hidden_size'?"],
    ),
    (
        ["--config_overrides", "hidden_sze=8"],
        ["the configuration of 'hfseq_recurrent' has no 'hidden_sze'", "_size'?"],
    ),
    (
        ["--config_overrides", "hidden_size"],
        ["must look like `hidden_size=128,pooling=max`; cannot read 'hidden_size'"],
    ),
    (
        ["--config_overrides", "hidden_size=-1"],
        ["config_overrides do not fit 'hfseq_recurrent'", "at least 1, not -1"],
    ),
    (
        ["--config_overrides", "cell_type=lstn"],
        ["config_overrides do not fit 'hfseq_recurrent'", "not 'lstn': did you mean 'lstm'?"],
    ),
    (["--config_overrides", "dropout=high"], ["config_overrides do not fit 'hfseq_recurrent'", "dropout"]),
    (["--model", "transformer", "--config_overrides", "hidden_size=big"], ["do not fit 'modernbert'", "hidden_size"]),
    (["--config_overrides", "hidden_size=[1,2]"], ["config_overrides: cannot read 'hidden_size=[1'"]),
    (["--config_overrides", "{hidden_size"], ["config_overrides is not valid JSON: "]),
    (
        ["--model_type", "bert", "--config_overrides", "hidden_size=10,num_attention_heads=3"],
        ["'bert' cannot be built for sequence_classification", "hidden size (10) is not a multiple of", "heads (3)"],
    ),
    (
        ["--model", "gru", "--finetuning", "frozen"],
        ["finetuning 'frozen' is for a pretrained model, but this run trains 'hfseq_recurrent' from scratch"],
    ),
    (["--model", "tiny-bert", "--finetuning", "frozn"], ["finetuning 'frozn' is not known: did you mean 'frozen'?"]),
    (["--tokenizer_name", "org/tokenizer"], ["no tokenizer 'org/tokenizer'", "or name a local folder"]),
    (["--tokenizer_vocab_size", "3"], ["vocab_size (3) is too small for a word tokenizer: at least 6 is needed"]),
    (["--class_weights", "1,2,3"], ["class_weights has 3 values, but the data has 2 labels: bad, good"]),
    (["--class_weights=-1,1"], ["class_weights must be `balanced` or numbers above 0"]),
    (["--finetuning", "frozn"], ["finetuning 'frozn' is not known: did you mean 'frozen'?"]),
    (["--tokenizer_name", "wrod"], ["no tokenizer 'wrod'", "did you mean 'word'"]),
    (
        ["--class_weights", "balance"],
        ["class_weights must be `balanced` or numbers above 0 such as `1.0,2.5`, not 'balance'"],
    ),
    # Training.
    (["--metric_for_best_model", "acuracy"], ["'acuracy' is not a metric of", "did you mean 'accuracy'?"]),
    (
        ["--metric_for_best_model", "mse"],
        ["metric_for_best_model 'mse' is not a metric of single_label_classification"],
    ),
    (["--seed", "-1"], ["seed must be at least 0 and below 2**32, not -1"]),
    (["--report_to", "wandbb"], ["report_to 'wandbb' is not known: did you mean 'wandb'?"]),
    (["--gradient_accumulation_steps", "0"], ["gradient_accumulation_steps must be above 0, not 0"]),
    (["--per_device_eval_batch_size", "0"], ["per_device_eval_batch_size must be above 0, not 0"]),
    (["--label_smoothing_factor", "2"], ["label_smoothing_factor must be at least 0 and below 1, not 2.0"]),
    (["--early_stopping_patience", "0"], ["early_stopping_patience must be at least 1, not 0"]),
    (["--num_train_epochs", "0"], ["num_train_epochs must be above 0 and at most 1,000,000, not 0.0"]),
    (["--learning_rate", "-1"], ["learning_rate must be above 0, not -1.0"]),
    (["--learning_rate", "fast"], ["--learning_rate must be a number, not 'fast'"]),
    (["--learning_rte", "1"], ["there is no setting --learning_rte: did you mean 'learning_rate'?"]),
    (["--lr_scheduler_type", "cosin"], ["--lr_scheduler_type 'cosin' is not known: did you mean 'cosine'?"]),
    (["--eval_strategy", "never"], ["--eval_strategy 'never' is not known: choose from 'epoch', 'no', 'steps'"]),
    (["stray"], ["unexpected argument 'stray'"]),
]
YAML = [
    ("typo.yaml", ["typo.yaml: there is no setting 'learning_rte': did you mean 'learning_rate'?"]),
    ("type.yaml", ["type.yaml: learning_rate must be a number, not 'fast'"]),
    ("list.yaml", ["list.yaml must be a mapping of settings such as `learning_rate: 1.0e-3`"]),
    ("broken.yaml", ["broken.yaml is not valid YAML: ", "line 2"]),
    ("nope.yaml", ["there is no file nope.yaml (looked in "]),
]


def refused(capsys, words, parts):
    """Runs a command that must exit with code 2 and one message."""
    assert main(words) == 2
    captured = capsys.readouterr()
    message = captured.err[captured.err.index("hfseq: error: ") :]
    for part in parts:
        assert part in message
    assert "Traceback" not in captured.err
    assert captured.out == ""


def train(*words):
    return ["train", *words, "--output_dir", "out", "--cache_dir", "cache", "--use_cpu"]


@pytest.mark.parametrize(("dataset", "parts"), DATA, ids=[case[0] for case in DATA])
def test_train_rejects_invalid_data(files, capsys, dataset, parts):
    refused(capsys, train("--dataset", dataset), parts)
    assert not (files / "out").exists()


@pytest.mark.parametrize(("flags", "parts"), FLAGS, ids=[" ".join(case[0]) for case in FLAGS])
def test_train_rejects_invalid_settings(files, capsys, flags, parts):
    refused(capsys, train("--dataset", "good.csv", *flags), parts)
    assert not (files / "out").exists()


@pytest.mark.parametrize(("path", "parts"), YAML, ids=[case[0] for case in YAML])
@pytest.mark.parametrize("model", [False, True], ids=["first", "model"])
def test_train_rejects_invalid_yaml(files, capsys, path, parts, model):
    words = ["--model", path] if model else [path]
    refused(capsys, train(*words, "--dataset", "good.csv"), parts)
    assert not (files / "out").exists()


def test_train_rejects_a_yaml_file_that_names_a_yaml_file(files, capsys):
    refused(capsys, train("--model", "nested.yaml"), ["nested.yaml: its `model` must not be another YAML file"])


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--dataset", "nope.csv"], ["no such file or folder: 'nope.csv'"]),
        (["--dataset", "one-class.csv"], ["only one class, 'x'"]),
        (["--dataset", "good.csv", "--models", "lstm", "gruu"], ["no model 'gruu'", "did you mean 'gru'?"]),
        (["--dataset", "good.csv", "--models", "lstm", "nope.yaml"], ["there is no file nope.yaml"]),
        (
            ["--dataset", "good.csv", "--models", "lstm", "typo.yaml"],
            ["typo.yaml: there is no setting 'learning_rte'"],
        ),
        (
            ["--dataset", "good.csv", "--models", "lstm", "--seeds", "one"],
            ["--seeds must be a whole number, not 'one'"],
        ),
        (["--dataset", "good.csv", "--models", "lstm", "--max_lenth", "8"], ["did you mean 'max_length'?"]),
        (
            ["--dataset", "good.csv", "--models", "lstm", "--config_overrides", "hidden_sze=8"],
            ["has no 'hidden_sze': did you mean 'hidden_size'?"],
        ),
    ],
)
def test_compare_rejects_invalid_settings_before_the_first_training(files, capsys, monkeypatch, words, parts):
    monkeypatch.setattr("hfseq.comparison.orchestration.train_runs", lambda *a: pytest.fail("a training has started"))
    refused(capsys, ["compare", *words, "--output_dir", "out", "--cache_dir", "cache"], parts)
    assert not (files / "out").exists()


# --- the folder


def test_train_rejects_a_file_as_output_dir(files, capsys):
    words = ["train", "--dataset", "good.csv", "--output_dir", "taken"]
    refused(capsys, words, ["output_dir taken is a file; name a folder"])
    assert (files / "taken").read_text() == "a file"


def test_train_rejects_output_dir_of_another_run(files, capsys):
    earlier = resolve(read_settings(train("--dataset", "good.csv", "--seed", "1")[1:]))
    fingerprint = fingerprint_settings(earlier.settings)
    record = RunRecord("lstm", "sequence_classification", 1, earlier.settings, fingerprint, status="finished")
    record.save(files / "out")
    before = (files / "out" / "run.json").read_bytes()
    parts = [
        "output_dir out holds a run with other settings (max_length None there, 9 here; seed 1 there, 2 here). Give "
        "another --output_dir, or --overwrite_output_dir to start again there"
    ]
    refused(capsys, train("--dataset", "good.csv", "--seed", "2", "--max_length", "9"), parts)
    assert [path.name for path in (files / "out").iterdir()] == ["run.json"]
    assert (files / "out" / "run.json").read_bytes() == before


def test_train_rejects_output_dir_with_a_damaged_record(files, capsys):
    (files / "out").mkdir()
    (files / "out" / "run.json").write_text('{"name": ')
    refused(capsys, train("--dataset", "good.csv"), ["run.json is not a run record", "move it away to start again"])
    assert (files / "out" / "run.json").read_text() == '{"name": '


# --- in a process of its own


@pytest.mark.slow
def test_train_reports_that_the_hub_is_offline(files, process_environment):
    words = [*train("--dataset", "good.csv", "--model", "org/encoder")]
    command = [sys.executable, "-m", "hfseq", *words]
    result = subprocess.run(command, capture_output=True, text=True, env=process_environment, timeout=120)
    assert result.returncode == 2
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "hfseq: error: no model 'org/encoder': there is no such folder, and it could not be downloaded from"
    )
    assert "Traceback" not in result.stderr
    assert not (files / "out").exists()


# The limit on the size of a file stops a write half-way, as a full disk does.
FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
from hfseq.errors import HfseqError
from hfseq.training.record import RunRecord

folder = Path(sys.argv[1])
record = RunRecord("lstm", "sequence_classification", 0, {"notes": "x" * 100_000}, "abc", status="finished")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    record.save(folder)
except HfseqError as error:
    print(json.dumps([str(error), RunRecord.load(folder).status, sorted(path.name for path in folder.iterdir())]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_record_is_unchanged_after_an_interrupted_write(tmp_path):
    RunRecord("lstm", "sequence_classification", 0, {}, "abc", status="running").save(tmp_path)
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    message, status, names = json.loads(result.stdout)
    assert message.startswith(f"cannot write {tmp_path / 'run.json'}: File too large; the existing file is unchanged.")
    assert (status, names) == ("running", ["run.json"])


@pytest.mark.parametrize("words", [["env"], ["train", "--dataset", "good.csv"], ["compare", "--dataset", "good.csv"]])
def test_commands_reject_an_unknown_engine(words, files, monkeypatch, capsys):
    monkeypatch.setenv("HFSEQ_ENGINE", "cuda")
    assert main(words) == 2
    assert "HFSEQ_ENGINE is 'cuda', but must be one of auto, kernel, torch" in capsys.readouterr().err


def test_commands_reject_an_engine_that_is_not_installed(files, monkeypatch, capsys):
    monkeypatch.setenv("HFSEQ_ENGINE", "kernel")
    monkeypatch.setattr("hfseq.models.recurrent.engines.why_unavailable", lambda: "it was not compiled")
    assert main(["train", "--dataset", "good.csv"]) == 2
    error = capsys.readouterr().err
    assert "HFSEQ_ENGINE is 'kernel', but the compiled kernel cannot run: it was not compiled" in error
    assert "install a C compiler and then hfseq again" in error
