"""The public names of hfseq: each is documented, and the examples of the docstrings run."""

import ast
import inspect
import re

import pandas as pd
import pytest
from small import TINY, make_reviews, write_csv

import hfseq
from hfseq.comparison.collect import collect
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.run_result import RunResult
from hfseq.training.run import run_training

# Functions and classes that a user of the Python API begins with.
ENTRY_POINTS = (
    "Comparison",
    "Predictor",
    "compare",
    "generate",
    "load_predictor",
    "load_source",
    "push",
    "run_training",
)
PARAMETERS = re.compile(r"^ *(\w+)(?:, \w+)* \(|^ *(\w+):", re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(hfseq.__all__) - {"__version__"}))
def test_public_name_is_documented(name):
    public = getattr(hfseq, name)
    assert public.__doc__ and name in dir(hfseq)
    if name in ENTRY_POINTS:
        documented = {one or other for one, other in PARAMETERS.findall(public.__doc__)}
        parameters = set(inspect.signature(public).parameters) - {"self"}
        assert parameters - documented == set()
        assert "Example:" in public.__doc__
    if name in ENTRY_POINTS and inspect.isfunction(public):
        assert "Returns:" in public.__doc__ and "Raises:" in public.__doc__


def example(public) -> str:
    """The code of the example in a docstring."""
    (block,) = re.findall(r"```py\n(.*?)```", inspect.getdoc(public), re.DOTALL)
    lines = [line[4:] for line in block.splitlines() if line.startswith((">>> ", "... "))]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with the files that the examples use."""
    folder = tmp_path_factory.mktemp("examples")
    reviews = write_csv(folder / "reviews.csv", make_reviews(60, 0))
    settings = {**TINY, "max_steps": 2, "dataset": str(reviews)}
    run_training({**settings, "model": "gru", "output_dir": str(folder / "runs/gru")})
    (folder / "novel.txt").write_text("The film was long. " * 60)
    language = {"task": "causal_lm", "dataset": str(folder / "novel.txt"), "max_length": 16}
    run_training({**settings, **language, "output_dir": str(folder / "runs/text-lm")})
    return folder


def run_result(name: str, folder) -> RunResult:
    record = hfseq.RunRecord.load(folder / "runs/gru")
    return RunResult(name, 0, folder / "runs/gru", record, None)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_example_of_the_docstring_runs(name, runs, monkeypatch, capsys):
    """Trainings of a comparison, and the upload, are replaced; their arguments are checked."""
    monkeypatch.chdir(runs)
    compared, pushed = [], []

    def compare(*arguments, **settings):
        bound = inspect.signature(compare_models).bind(*arguments, **settings).arguments
        compared.append(bound)
        results = [run_result(model, runs) for model in bound["models"]]
        return Comparison(collect(results), runs, results)

    def push_folder(folder, repo_id, record, **options):
        pushed.append((folder.name, record["name"], options["private"], "model.safetensors" in options["written"]))
        return repo_id

    public, compare_models = getattr(hfseq, name), hfseq.compare
    monkeypatch.setattr(hfseq, "compare", compare, raising=False)
    monkeypatch.setattr("hfseq.training.pushing.push_folder", push_folder)
    if name == "run_training":  # its training is the one that the fixture has finished
        monkeypatch.setattr(hfseq, "run_training", lambda settings, **_: run_result("gru", runs).record, raising=False)
    code = ast.parse(example(public))
    *statements, last = code.body
    names = {"frame": pd.read_csv("reviews.csv").rename(columns={"text": "review"})}
    exec(compile(ast.Module(statements, []), name, "exec"), names)
    value = eval(compile(ast.Expression(last.value), name, "eval"), names)
    if name in ("compare", "Comparison"):
        assert compared[0]["models"] == ["lstm", "minilm"] and compared[0]["seeds"] == [0, 1, 2]
        assert value.index.tolist() == ["lstm", "minilm"] and "lstm" in capsys.readouterr().out
    expected = {
        "Predictor": lambda: list(value) == ["label", "score_bad", "score_good"] and len(value) == 2,
        "generate": lambda: len(value) == 2 and value["text"].str.startswith("The film was").all(),
        "load_predictor": lambda: value[0] in ("good", "bad"),
        "load_source": lambda: value == ["text", "label"],
        "push": lambda: value == "anna/reviews-gru" and pushed == [("gru", "gru", True, True)],
        "run_training": lambda: 0 <= value <= 1,
    }
    assert expected.get(name, lambda: True)()


def test_push_rejects_what_is_no_finished_model(runs, tmp_path):
    with pytest.raises(hfseq.HfseqError, match="there is no model in"):
        hfseq.push(tmp_path)
    record = hfseq.RunRecord.load(runs / "runs/gru")
    record.status = "interrupted"
    (tmp_path / "config.json").write_text("{}")
    record.save(tmp_path)
    with pytest.raises(hfseq.HfseqError, match=r"has not finished \(it is interrupted\)"):
        hfseq.push(tmp_path)
