import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from hfseq import __version__
from hfseq.commands import COMMANDS, main

# Runs a command, then says which of the heavy libraries it has imported.
PROBE = """
import json, sys
from hfseq.commands import main
try:
    code = main(json.loads(sys.argv[1]))
except SystemExit as leaving:
    code = leaving.code
heavy = [name for name in ("torch", "transformers", "datasets", "pandas", "numpy", "rich") if name in sys.modules]
print(json.dumps([code, heavy]))
"""


def probe(*words):
    result = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(words)], capture_output=True, text=True, check=True, timeout=120
    )
    text, _, last = result.stdout.rstrip("\n").rpartition("\n")
    code, heavy = json.loads(last)
    return code, heavy, text, result.stderr


def test_help_imports_no_heavy_library():
    code, heavy, text, _ = probe("--help")
    assert (code, heavy) == (0, [])
    for name in COMMANDS:
        assert f"\n    {name} " in text


def test_version_imports_no_heavy_library():
    code, heavy, text, _ = probe("--version")
    assert (code, heavy, text) == (0, [], f"hfseq {__version__}")


@pytest.mark.parametrize("command", ["train", "compare"])
def test_help_of_a_command_imports_no_heavy_library(command):
    code, heavy, text, _ = probe(command, "--help")
    assert (code, heavy) == (0, [])
    assert text.startswith(f"usage: hfseq {command} [")
    assert f"`hfseq {command} --help-all` describes all settings." in " ".join(text.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "unknown command 'trian': did you mean 'train'?"),
        (["train", "gru"], "unexpected argument 'gru'; did you mean `--model gru`?"),
        (["compare", "gru"], "unexpected argument 'gru'; did you mean `--models gru`?"),
        (["train", "--max_lenth", "3"], "there is no setting --max_lenth: did you mean 'max_length'?"),
        (["train", "--max_length", "long"], "--max_length must be a whole number, not 'long'"),
        (["train", "--max_length"], "--max_length needs a value"),
        (
            ["train", "--lr_scheduler_type", "cosin"],
            "--lr_scheduler_type 'cosin' is not known: did you mean 'cosine'?",
        ),
        (["train", "--dataset", "nope.csv"], "no such file or folder: 'nope.csv'"),
        (["train", "--dataset", "builtin:dtfm"], "there is no built-in data set 'dtfm': did you mean 'dtmf'?"),
        (["train", "nope.yaml"], "there is no file nope.yaml"),
        (["compare", "--models", "nope.yaml"], "there is no file nope.yaml"),
        (["train", "--sampling_rate", "8"], "--sampling_rate is a setting of audio; this data is text"),
        (["predict", "model", "--input", "nope.csv"], "no such file or folder: 'nope.csv'"),
        (["evaluate", "model", "--dataset", "nope.csv"], "no such file or folder: 'nope.csv'"),
        (["predict", "model", "--max_cell_mb", "a"], "--max_cell_mb must be a whole number, not 'a'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_reported_before_heavy_imports(words, message):
    code, heavy, _, error = probe(*words)
    assert (code, heavy) == (2, [])
    assert error.startswith(f"hfseq: error: {message}")


def test_hfseq_without_a_command_exits_with_code_2(capsys):
    with pytest.raises(SystemExit) as leaving:
        main([])
    assert leaving.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["evaluate", "predict", "generate", "env"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: hfseq {command}")


@pytest.mark.parametrize("command", ["evaluate", "predict", "env", "compare", "train"])
def test_every_command_rejects_an_unknown_flag(command, capsys):
    words = [command, "model"] if command in ("evaluate", "predict") else [command]
    assert main([*words, "--bogus", "1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hfseq: error: ")
    assert "--bogus" in error
    assert "Traceback" not in error


def test_interruption_exits_with_code_130(monkeypatch, capsys):
    import hfseq.commands.env

    def interrupt(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(hfseq.commands.env, "run", interrupt)
    assert main(["env"]) == 130
    assert capsys.readouterr().err == "\nhfseq: interrupted by SIGINT\n"


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_signals_end_a_command_with_their_exit_code(name, code, monkeypatch, capsys):
    import hfseq.commands.env

    number = getattr(signal, name)
    monkeypatch.setattr(hfseq.commands.env, "run", lambda argv: os.kill(os.getpid(), number) or time.sleep(5))
    before = signal.getsignal(number)
    assert main(["env"]) == code
    assert capsys.readouterr().err == f"\nhfseq: interrupted by {name}\n"
    assert signal.getsignal(number) is before


def test_env_shows_versions_and_extras(capsys):
    assert main(["env"]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    lines = {name: value.strip() for name, value in lines.items()}
    for package in ("hfseq", "torch", "transformers", "datasets", "accelerate"):
        assert lines[package] == importlib.metadata.version(package)
    assert lines["python"] == ".".join(map(str, sys.version_info[:3]))
    assert int(lines["CPU threads"]) >= 1
    assert {"GPU", "platform", "git commit", "recurrence on the CPU"} <= lines.keys()
    for extra in ("demo", "lora", "tensorboard", "trackio"):
        assert f"extra {extra}" in lines
    assert not {"extra dev", "extra test"} & lines.keys()


def test_env_shows_how_to_install_a_missing_extra(monkeypatch, capsys):
    import hfseq.commands.env

    monkeypatch.setattr(hfseq.commands.env, "_installed", lambda package: package != "peft")
    assert main(["env"]) == 0
    lines = capsys.readouterr().out.splitlines()
    lora = next(line for line in lines if line.startswith("extra lora"))
    assert lora.endswith('missing: pip install "hfseq[lora]"')
    assert next(line for line in lines if line.startswith("extra demo")).endswith("installed")


def test_console_script_is_in_the_metadata():
    scripts = importlib.metadata.entry_points(group="console_scripts", name="hfseq")
    assert [script.value for script in scripts] == ["hfseq.commands:main"]
    assert next(iter(scripts)).load() is main
