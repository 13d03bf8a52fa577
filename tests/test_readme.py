"""Every command in the READMEs works as written."""

import re
import shlex
from pathlib import Path

import pytest
from small import TINY, make_reviews, write_csv

from hfseq.commands import main
from hfseq.training.reading import read_settings
from hfseq.training.settings import resolve

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPES = (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")
SMALL = [f"--{name}={value}" for name, value in TINY.items() if name not in ("model", "learning_rate")]


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks in one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def commands(text: str) -> list[str]:
    """The shell commands in fenced code blocks without a language, and in tables."""
    lines = [line for block in blocks(text, "") for line in block.splitlines() if line]
    return lines + re.findall(r"^\|.*\| `(.*)` \|$", text, flags=re.MULTILINE)


def hfseq_commands() -> list[str]:
    return [line for line in commands(README) if line.startswith("hfseq ")]


def test_readme_has_the_two_commands():
    assert commands(README)[0] == 'pip install -c constraints.txt -e ".[demo]" && hfseq compare'
    assert 'pip install -c constraints.txt -e ".[test]" && pytest' in commands(README)
    known = ("pip install -c constraints.txt ", "hfseq ")
    assert not [line for line in commands(README) if not line.startswith(known)], "a command that no test knows"


def test_readme_commands_run_on_own_data(tmp_path, monkeypatch, capsys):
    """Runs the commands in the order of the README, with small models, in a folder that contains only reviews.csv."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "reviews.csv", make_reviews(120, 0))
    lines = hfseq_commands()
    assert len(lines) == 5
    for line in lines:
        words = shlex.split(line)[1:]
        if words[0] == "compare":
            # tests/comparison runs comparisons; here, only the flags are checked.
            settings = read_settings(words[words.index("--dataset") : words.index("--dataset") + 2])
            assert resolve(settings).data.dataset in ("reviews.csv", "sst2")
            assert {"--models", "--seeds"} <= set(words)
            continue
        assert main([*words, *(SMALL if words[0] == "train" else [])]) == 0, line
    out = capsys.readouterr().out
    assert "runs/gru" in out and "accuracy" in out
    assert out.splitlines()[-1].endswith("Two hours I will not get back")


def test_readme_python_blocks_run(tmp_path, monkeypatch, capsys):
    """Runs the blocks as after the commands of the README: the folder runs/gru exists, with the same settings."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "reviews.csv", make_reviews(120, 0))
    assert main(["train", "--model=gru", "--dataset=reviews.csv", "--output_dir=runs/gru", *SMALL]) == 0
    assert len(blocks(README, "python")) == 2
    small = ", ".join(f"{name!r}: {value!r}" for name, value in TINY.items() if name not in ("model", "learning_rate"))
    for block in blocks(README, "python"):
        code = block.replace('"output_dir": "runs/gru"', f'"output_dir": "runs/gru", {small}')
        exec(compile(code, "README.md", "exec"), {})
    assert "'accuracy'" in capsys.readouterr().out


def test_readme_yaml_block_is_valid(tmp_path):
    (block,) = blocks(README, "yaml")
    path = tmp_path / "big-lstm.yaml"
    path.write_text(block)
    arguments = resolve({"model": str(path)})
    assert arguments.name == "big-lstm" and '"hidden_size": 512' in str(arguments.model.config_overrides)


@pytest.mark.parametrize("line", commands(RECIPES))
def test_recipe_commands_are_valid(line):
    """tests/recipes and tests/training/test_processes.py run the trainings; here, only the flags are checked."""
    words = shlex.split(line)
    if words[:2] == ["hfseq", "train"]:  # these commands need data that the user has downloaded
        settings = resolve(read_settings(words[2:]))
        assert not Path(settings.data.dataset).is_absolute() and settings.data.task is not None
        return
    assert words[0] in ("python", "torchrun", "accelerate")
    script = next(number for number, word in enumerate(words) if word.endswith(".py"))
    assert (ROOT / words[script]).is_file()
    for word in words:
        if word.endswith(".yaml"):
            assert (ROOT / word).is_file(), word
    settings = [str(ROOT / word) if word.endswith(".yaml") else word for word in words[script + 1 :]]
    assert resolve(read_settings(settings)).data.dataset.startswith("builtin:")
