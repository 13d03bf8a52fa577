"""Every YAML file of the recipes trains."""

import subprocess
import sys
from pathlib import Path

import pytest
from small import TINY

from hfseq import run_training
from hfseq.registry import preset_names
from hfseq.training.reading import parse_flags, read_settings, read_yaml
from hfseq.training.settings import resolve

RECIPES = Path(__file__).parents[2] / "recipes"
# The settings of the known data sets need data that is not in the repository: see test_known_data.py.
KNOWN = RECIPES / "configs" / "known"
CONFIGS = [path for path in sorted((RECIPES / "configs").rglob("*.y*ml")) if KNOWN not in path.parents]
# Task of each folder whose name is not a task.
RECIPE_TASKS = {
    "translation": "sequence_to_sequence",
    "image_captioning": "captioning",
    "speech_recognition": "ctc",
    "language_modeling": "causal_lm",
    "music_generation": "causal_lm",
    **dict.fromkeys(
        ("series_classification", "dna_classification", "video_classification"), "sequence_classification"
    ),
}
# For the built-in data set of a recipe.
FEW_EXAMPLES = {
    "max_train_samples": 32,
    "max_eval_samples": 8,
    "max_predict_samples": 8,
    "num_train_epochs": 1,
    "per_device_train_batch_size": 8,
}


def test_each_classification_model_has_a_recipe():
    names = {path.stem for path in CONFIGS if path.parent.name == "sequence_classification"}
    assert names >= {"lstm", "gru", "transformer", "pretrained", "lora"}


def test_every_yaml_file_is_tested():
    elsewhere = {path for path in RECIPES.rglob("*.y*ml") if path not in CONFIGS and KNOWN not in path.parents}
    # Used by accelerate in tests/training/test_processes.py.
    assert elsewhere == {RECIPES / "accelerate_configs" / "two_processes.yaml"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recipe_trains(path, reviews, tiny_bert, tmp_path):
    values = read_yaml(path)
    settings = resolve(values)
    # A tiny encoder replaces the pretrained one.
    small = {name: value for name, value in TINY.items() if name not in ("model", "config_overrides")}
    if path.parent.name == "sequence_classification":
        small["dataset"] = str(reviews)
    else:
        small |= FEW_EXAMPLES
    if settings.model.model_type is None:
        small["model"] = str(tiny_bert)
    record = run_training(
        resolve({**values, **parse_flags([f"--{name}={value}" for name, value in small.items()]),
                 "output_dir": str(tmp_path / "run")})
    )  # fmt: skip
    assert record.status == "finished"
    assert record.task == RECIPE_TASKS.get(path.parent.name, path.parent.name)
    assert record.model["model_type"] == (settings.model.model_type or "bert")
    assert record.config.get("finetuning") == values.get("finetuning")


@pytest.mark.parametrize("name", sorted(preset_names()))
def test_preset_settings_are_valid(name):
    assert resolve({"model": name}).name == name


def test_script_reports_a_mistyped_flag(process_environment, tmp_path):
    done = subprocess.run(
        [sys.executable, str(RECIPES / "sequence_classification.py"), "--learning_rat", "1"],
        env=process_environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no setting --learning_rat: did you mean 'learning_rate'?")


def test_flags_have_priority_over_files(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("seed: 1\nmax_length: 10\nlearning_rate: 1.0e-3\n")
    second.write_text("max_length: 20\nlearning_rate: 2.0e-3\n")
    given = read_settings([str(first), str(second), "--learning_rate", "3e-3"])
    assert given == {"seed": 1, "max_length": 20, "learning_rate": 3e-3}
