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
heavy = [name for name in ("torch", "transformers", "datasets", "sklearn", "rich") if name in sys.modules]
print(json.dumps([code, heavy]))
"""


def probe(*words):
    result = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(words)], capture_output=True, text=True, check=True, timeout=120
    )
    text, _, last = result.stdout.rstrip("\n").rpartition("\n")
    code, heavy = json.loads(last)
    return code, heavy, text, result.stderr


def test_help_is_quick():
    code, heavy, text, _ = probe("--help")
    assert (code, heavy) == (0, [])
    for name in COMMANDS:
        assert f"\n    {name} " in text


def test_version_is_quick():
    code, heavy, text, _ = probe("--version")
    assert (code, heavy, text) == (0, [], f"hfseq {__version__}")


def test_help_of_a_command_is_quick():
    code, heavy, text, _ = probe("train", "--help")
    assert (code, heavy) == (0, [])
    assert text.startswith("usage: hfseq train [CONFIG.yaml]")
    assert "`hfseq train --help-all` lists every setting" in text


def test_unknown_command():
    code, heavy, _, error = probe("trian")
    assert (code, heavy) == (2, [])
    assert "invalid choice: 'trian'" in error
    assert "'compare', 'train', 'evaluate', 'predict', 'generate', 'env'" in error


def test_no_command(capsys):
    with pytest.raises(SystemExit) as leaving:
        main([])
    assert leaving.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "evaluate", "predict", "env"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: hfseq {command}")


def test_help_all_lists_every_setting_with_its_default(capsys):
    from hfseq.training.all_settings import setting_names

    assert main(["train", "--help-all"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in setting_names():
        assert f"--{name}" in text
    assert "The most tokens of a target that are learned, or written. (default: 128)" in text


@pytest.mark.parametrize("command", ["evaluate", "predict", "env", "compare", "train"])
def test_unknown_flag(command, capsys):
    words = [command, "model"] if command in ("evaluate", "predict") else [command]
    assert main([*words, "--bogus", "1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("hfseq: error: ")
    assert "--bogus" in error
    assert "Traceback" not in error


def test_interruption(monkeypatch, capsys):
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


def test_env_says_how_to_install_what_is_missing(monkeypatch, capsys):
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
