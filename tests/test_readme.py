"""Every command in the READMEs works as written."""

import re
import shlex
from pathlib import Path

import pytest
from measured_here import measure_here
from small import TINY, make_reviews, write_csv

from hfseq.commands import main
from hfseq.comparison.costs import attach
from hfseq.training.reading import read_settings
from hfseq.training.settings import resolve

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPES = (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")
GUIDES = sorted((ROOT / "recipes" / "guides").glob("*.md"))
SMALL = [f"--{name}={value}" for name, value in TINY.items() if name not in ("model", "learning_rate")]


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks in one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def fenced_commands(text: str) -> list[str]:
    """The shell commands in fenced code blocks without a language."""
    return [line for block in blocks(text, "") for line in block.splitlines() if line]


def commands(text: str) -> list[str]:
    """The shell commands in fenced code blocks without a language, and in tables."""
    return fenced_commands(text) + re.findall(r"^\|.*\| `(.*)` \|$", text, flags=re.MULTILINE)


def test_readme_has_the_install_and_test_commands():
    venv, torch, install, *rest = fenced_commands(README)
    assert venv == "python3 -m venv .venv && source .venv/bin/activate"
    pinned = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch=="))
    assert torch == f"pip install {pinned} --index-url https://download.pytorch.org/whl/cpu"
    assert install == 'pip install -c constraints.txt -e ".[demo]" && hfseq compare'
    assert rest[-1] == 'pip install -c constraints.txt -e ".[test]" && pytest'
    assert all(line.startswith("hfseq ") for line in rest[:-1]), "a command that no test runs"


def test_readme_commands_run_on_own_data(tmp_path, monkeypatch, capsys):
    """Runs the commands in the order of the README, with small models, in a folder that contains only reviews.csv."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "reviews.csv", make_reviews(120, 0))
    lines = [line for line in fenced_commands(README) if line.startswith("hfseq ")]
    assert [shlex.split(line)[1] for line in lines] == ["train", "evaluate", "predict", "compare"]
    for line in lines:
        words = shlex.split(line)[1:]
        if words[0] == "compare":
            # tests/comparison runs comparisons; here, only the flags are checked.
            settings = read_settings(words[words.index("--dataset") : words.index("--dataset") + 2])
            assert resolve(settings).data.dataset == "reviews.csv"
            assert {"--models", "--seeds", "--output_dir"} <= set(words)
            continue
        assert main([*words, *(SMALL if words[0] == "train" else [])]) == 0, line
    out = capsys.readouterr().out
    assert "runs/gru" in out and "accuracy" in out
    assert out.splitlines()[-1].endswith("Two hours I will not get back")


def test_readme_python_blocks_run(tmp_path, monkeypatch, capsys):
    """Runs the blocks with a small model and one seed, after the `train` command of the README."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(attach, "measure", measure_here)
    write_csv(tmp_path / "reviews.csv", make_reviews(120, 0))
    assert main(["train", "--model=gru", "--dataset=reviews.csv", "--output_dir=runs/gru", *SMALL]) == 0
    capsys.readouterr()
    settings = {name: value for name, value in TINY.items() if name not in ("model", "learning_rate")}
    small = ", ".join(f"{name}={value!r}" for name, value in {**settings, "baselines": "none"}.items())
    compared, application = blocks(README, "python")
    for wanted, given in (
        ('["lstm", "gru"]', '["gru"]'),
        ("seeds=[0, 1, 2]", f"seeds=[0], {small}"),
    ):
        assert wanted in compared
        compared = compared.replace(wanted, given)
    names = {}
    for code in (compared, application):
        exec(compile(code, "README.md", "exec"), names)
    out = capsys.readouterr().out
    assert "size_on_disk_bytes" in out and Path("results.html").is_file() and names["comparison"].verdict in out
    assert out.count("label") >= 2


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "recipes" / "README.md", *GUIDES], ids=lambda path: path.stem
)
def test_links_of_the_documentation_exist(path):
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_a_newcomer_can_read_the_readme_in_a_few_minutes():
    assert len(README.splitlines()) < 170


@pytest.mark.parametrize("line", commands(RECIPES))
def test_recipe_commands_are_valid(line):
    """tests/recipes and tests/training/test_processes.py run the trainings; here, only the flags are checked."""
    words = shlex.split(line)
    if words[:2] == ["hfseq", "train"]:  # tests/recipes/test_known_data.py checks the settings
        (config,) = words[2:]
        assert (ROOT / config).is_file()
        return
    assert words[0] in ("python", "torchrun", "accelerate")
    if words[1] == "recipes/known_data.py":
        return
    script = next(number for number, word in enumerate(words) if word.endswith(".py"))
    assert (ROOT / words[script]).is_file()
    for word in words:
        if word.endswith(".yaml"):
            assert (ROOT / word).is_file(), word
    settings = [str(ROOT / word) if word.endswith(".yaml") else word for word in words[script + 1 :]]
    assert resolve(read_settings(settings)).data.dataset.startswith("builtin:")
