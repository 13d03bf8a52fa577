"""The commands that the recipes print: their scripts exist, their settings resolve, and they run as printed."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from hfseq.data.arguments import data_settings
from hfseq.errors import HfseqError
from hfseq.training.reading import parse_flags, read_settings, read_yaml
from hfseq.training.script import with_config
from hfseq.training.settings import resolve

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
# Arguments that must precede the script, by launcher.
LAUNCHERS = {"python": (), "torchrun": ("--nproc_per_node",), "accelerate": ("launch",)}


def printed_commands():
    for path in (RECIPES / "README.md", *sorted(RECIPES.glob("*.py"))):
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(
            r"(?:^ *|`)((?:python|torchrun|accelerate) [^`\n]*?recipes/\w+\.py[^`\n]*)", text, re.M
        ):
            yield pytest.param(shlex.split(line), id=f"{path.stem}: {' '.join(line.split())[:70]}")


COMMANDS = list(printed_commands())
SEVERAL = [command for command in COMMANDS if command.values[0][0] != "python"]


def test_recipes_print_commands():
    assert len(COMMANDS) > 25
    assert {command.values[0][0] for command in COMMANDS} == set(LAUNCHERS)


@pytest.mark.parametrize("words", COMMANDS)
def test_printed_command_has_valid_settings(words, monkeypatch):
    monkeypatch.chdir(ROOT)
    script = next(number for number, word in enumerate(words) if word.endswith(".py"))
    assert set(LAUNCHERS[words[0]]) <= set(words[1:script])
    assert Path(words[script]).is_file()
    if words[script].endswith("known_data.py"):
        return
    arguments = words[script + 1 :]
    given = read_settings(arguments)
    source = Path(words[script]).read_text(encoding="utf-8")
    if (found := re.search(r'CONFIG = .*"configs" / "(\w+)" / "(\w+\.yaml)"', source)) and not arguments:
        given = with_config(given, RECIPES / "configs" / found[1] / found[2])
    task = re.search(r'task="(\w+)"', source)
    assert resolve({"task": task[1], **given}).data.task == task[1]


FORECAST = RECIPES / "configs" / "forecasting" / "gru.yaml"
DATES = RECIPES / "configs" / "translation" / "lstm.yaml"


@pytest.mark.parametrize("config", [FORECAST, DATES], ids=["forecasting", "translation"])
def test_flag_replaces_only_one_setting_of_the_file(config):
    values = read_yaml(config)
    assert with_config(parse_flags(["--seed", "1"]), config) == {**values, "seed": 1}
    assert with_config({}, config) == values


def test_config_overrides_are_merged():
    given = with_config(parse_flags(["--config_overrides", "dropout=0.3"]), DATES)
    overrides = resolve({"task": "sequence_to_sequence", **given}).model.config_overrides
    assert '"dropout": 0.3' in overrides and '"embedding_size": 64' in overrides


def test_another_data_set_does_not_use_the_data_settings_of_the_file():
    assert with_config({"dataset": "pairs.csv"}, DATES) == {"model": "lstm", "dataset": "pairs.csv"}


def test_another_model_uses_its_default_settings():
    given = with_config({"model": "transformer"}, DATES)
    assert given["model"] == "transformer" and given["max_target_length"] == 16
    assert not {"learning_rate", "config_overrides", "tokenizer_name", "output_dir"} & set(given)
    names = set(data_settings())
    assert set(given) - {"model"} <= names


def test_invalid_flag_after_a_file_is_rejected():
    with pytest.raises(HfseqError, match="there is no setting --sed"):
        parse_flags(["--sed", "1"])


@pytest.mark.slow
@pytest.mark.parametrize("words", [command for command in SEVERAL if "README" in command.id])
def test_printed_command_for_several_processes_runs(words, process_environment, tmp_path):
    """Runs the command exactly as printed, in an empty folder, on the hardware of this machine."""
    (tmp_path / "recipes").symlink_to(RECIPES)
    done = subprocess.run(words, cwd=tmp_path, env=process_environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "accuracy" in done.stdout
    record = (tmp_path / "runs" / "docstrings-gru" / "run.json").read_text(encoding="utf-8")
    assert '"num_processes": 2' in record and '"status": "finished"' in record
