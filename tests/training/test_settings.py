import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from transformers.trainer_utils import SchedulerType

from hfseq.data.arguments import DataArguments
from hfseq.data.setting_groups import group_settings
from hfseq.data.settings import declared_settings
from hfseq.data.yaml_files import dump_yaml, load_yaml
from hfseq.errors import HfseqError
from hfseq.registry import preset_names, preset_settings
from hfseq.training.all_settings import setting_names
from hfseq.training.arguments import RunArguments, SequenceTrainingArguments
from hfseq.training.family_defaults import FAMILY_DEFAULTS, FIRST_LOOK_SETTINGS, PRESET_TRAINING
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.overrides import parse_overrides
from hfseq.training.reading import parse_flags, parse_mapping, read_settings, read_yaml, switched_off
from hfseq.training.record import fingerprint_settings
from hfseq.training.settings import given_settings, resolve, run_name, short_name

GENERAL = {name: preset_settings(name, "sequence_classification", "text") for name in preset_names()}


@pytest.fixture
def write_yaml(tmp_path):
    def write(name, values):
        path = tmp_path / name
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values), encoding="utf-8")
        return str(path)

    return write


def overrides_of(arguments):
    return parse_overrides(arguments.model.config_overrides)


# --- precedence


def test_dataclass_defaults_are_used():
    arguments = resolve({})
    assert arguments.data.max_length is None and arguments.data.token_limit == 128
    assert arguments.training.per_device_eval_batch_size == 64
    assert "max_length" not in arguments.settings


@pytest.mark.parametrize(
    ("given", "family"),
    [
        ({"model": "gru"}, "recurrent"),
        ({"model": "transformer"}, "attention"),
        ({"model_type": "distilbert"}, "attention"),
        ({"model": "org/encoder"}, "whole"),
        ({"model": "minilm", "finetuning": "frozen"}, "frozen"),
        ({"model": "org/encoder", "finetuning": "whole"}, "whole"),
        ({"model": "org/encoder", "finetuning": "frozen"}, "frozen"),
        ({"model": "org/encoder", "finetuning": "lora"}, "lora"),
    ],
)
def test_family_goes_over_the_dataclass_default(given, family):
    arguments = resolve(given)
    assert arguments.family == family
    for name, value in FAMILY_DEFAULTS[family].items():
        assert getattr(arguments.training, name) == value


def test_yaml_goes_over_the_family(write_yaml):
    path = write_yaml("fast.yaml", {"model": "gru", "learning_rate": 0.5})
    assert resolve({"model": path}).training.learning_rate == 0.5
    assert resolve(read_settings([path])).training.learning_rate == 0.5
    assert resolve({"model": path}).training.num_train_epochs == FAMILY_DEFAULTS["recurrent"]["num_train_epochs"]


def test_flag_goes_over_yaml(write_yaml):
    path = write_yaml("fast.yaml", {"model": "gru", "learning_rate": 0.5, "max_length": 7})
    for words in ([path, "--learning_rate", "0.25"], ["--model", path, "--learning_rate", "0.25"]):
        arguments = resolve(read_settings(words))
        assert (arguments.training.learning_rate, arguments.data.max_length) == (0.25, 7)


def test_later_yaml_goes_over_earlier_one(write_yaml):
    first = write_yaml("a.yaml", {"max_length": 7, "seed": 1})
    second = write_yaml("b.yaml", {"max_length": 9})
    assert read_settings([first, second]) == {"max_length": 9, "seed": 1}


def test_flag_equal_to_the_family_or_the_dataclass_default_still_wins(write_yaml):
    path = write_yaml("a.yaml", {"model": "gru", "max_length": 7})
    arguments = resolve(read_settings([path, "--max_length", "128", "--weight_decay", "0.0"]))
    assert arguments.data.max_length == 128
    assert arguments.training.weight_decay == 0.0


# --- config_overrides


def test_config_overrides_merge_key_by_key(write_yaml):
    path = write_yaml("small.yaml", {"model": "gru", "config_overrides": {"hidden_size": 8, "dropout": 0.0}})
    words = ["--model", path, "--config_overrides", "hidden_size=16,pooling=mean"]
    overrides = overrides_of(resolve(read_settings(words)))
    preset = GENERAL["gru"]["config_overrides"]
    assert overrides == {**preset, "hidden_size": 16, "dropout": 0.0, "pooling": "mean"}


def test_model_type_drops_the_overrides_of_the_default_preset():
    arguments = resolve(parse_flags(["--model_type", "hfseq_recurrent", "--config_overrides", "hidden_size=8"]))
    assert overrides_of(arguments) == {"hidden_size": 8}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {}),
        ("", {}),
        ("hidden_size=128,pooling=max", {"hidden_size": 128, "pooling": "max"}),
        (" dropout = 0.5 , bidirectional=false,x=null", {"dropout": 0.5, "bidirectional": False, "x": None}),
        ('{"sizes": [1, 2], "name": "a,b"}', {"sizes": [1, 2], "name": "a,b"}),
    ],
)
def test_parse_overrides(text, expected):
    assert parse_overrides(text) == expected


# --- YAML


def test_yaml_values_keep_their_types(write_yaml):
    values = {
        "learning_rate": 0.001,
        "num_train_epochs": 2,
        "max_length": 32,
        "load_best_model_at_end": False,
        "trust_remote_code": True,
        "lora_target_modules": ["query", "value"],
        "report_to": ["tensorboard"],
        "warmup_steps": 0.1,
        "text_column": "1",
        "label_column": "-odd name",
        "max_train_samples": None,
        "early_stopping_patience": None,
    }
    path = write_yaml("a.yaml", values)
    assert read_yaml(path) == values


def test_yaml_exponents_without_a_dot_are_numbers(write_yaml):
    text = "model: gru\nlearning_rate: 1e-3\nconfig_overrides:\n  layer_norm_eps: 1e-6\n  sizes: [1e-2, 2]\n"
    values = read_yaml(write_yaml("a.yaml", text))
    assert values["learning_rate"] == 0.001
    assert parse_overrides(values["config_overrides"]) == {"layer_norm_eps": 1e-6, "sizes": [0.01, 2]}
    assert parse_overrides("layer_norm_eps=1e-6,name=1e-x") == {"layer_norm_eps": 1e-6, "name": "1e-x"}


def test_yaml_words_are_read_as_in_version_1_2(write_yaml):
    text = "eval_strategy: no\nlabel_column: on\ntext_column: 2020-01-01\nid_column: 007\nseed: 1_0\nuse_cpu: yes\n"
    assert read_yaml(write_yaml("a.yaml", text)) == {
        "eval_strategy": "no", "label_column": "on", "text_column": "2020-01-01", "id_column": "007", "seed": 10,
        "use_cpu": True,
    }  # fmt: skip


def test_yaml_is_read_as_it_was_written():
    values = {"a": "1e-6", "b": "no", "c": 1e-6, "d": "2020-01-01", "e": "007", "f": None, "g": True, "h": [1, "2"]}
    assert load_yaml(dump_yaml(values)) == values
    assert yaml.safe_load(dump_yaml(values)) == values


def test_null_switches_off_what_a_family_has_switched_on(write_yaml):
    text = "model: gru\nearly_stopping_patience: null\nsave_total_limit: null\nmax_grad_norm:\n"
    arguments = resolve(read_settings([write_yaml("a.yaml", text)]))
    assert arguments.training.early_stopping_patience is None
    assert arguments.training.save_total_limit is None
    assert arguments.training.max_grad_norm == 0
    again = resolve(parse_mapping(arguments.settings, where="run.json"))
    assert again.training.early_stopping_patience is None and again.training.save_total_limit is None


def test_null_switches_off_every_setting_that_can_be_off():
    """A setting that may be None becomes None, a switch becomes false, and all others reject `null`."""
    always = set()
    for name in sorted(setting_names() - {"model"}):
        try:
            value = switched_off(name, "here")
        except HfseqError as error:
            assert str(error) == f"here: {name} has no value; give it one, or leave the line out"
            always.add(name)
            continue
        assert value in (None, False, 0, "no"), name
    assert {"dataset", "learning_rate", "num_train_epochs", "num_beams", "seed"} <= always
    # Settings with a value for "off" can be switched off.
    assert not always & {"eval_strategy", "save_strategy", "weight_decay", "warmup_steps", "spec_augment", "quantiles"}


def test_null_does_not_change_a_preset():
    given = parse_mapping(
        {"model": "gru", "config_overrides": None, "model_type": None, "output_dir": None}, where="x"
    )
    assert resolve(given).settings == resolve({"model": "gru"}).settings


def test_settings_that_are_off_do_not_change_the_fingerprint():
    given = parse_mapping({"model": "gru", "max_train_samples": None, "class_weights": None}, where="x")
    assert resolve(given).settings == resolve({"model": "gru"}).settings


@pytest.mark.parametrize("text", ['{"dropout": NaN}', "dropout=.inf", '{"encoder": {"dropout": Infinity}}'])
def test_overrides_must_be_finite(text):
    with pytest.raises(HfseqError, match="config_overrides: dropout must be a finite number"):
        parse_overrides(text)


def test_resolve_rejects_a_yaml_file_that_names_a_yaml_file(write_yaml):
    inner = write_yaml("inner.yaml", {"model": "gru"})
    outer = write_yaml("outer.yaml", {"model": inner})
    with pytest.raises(HfseqError, match=r"outer\.yaml: its `model` must not be another YAML file"):
        resolve({"model": outer})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"learning_rte": 1}, "here: there is no setting 'learning_rte': did you mean 'learning_rate'?"),
        ({"max_length": "long"}, "here: max_length must be a whole number, not 'long'"),
        ({"max_length": 1.5}, "here: max_length must be a whole number, not 1.5 (float)"),
        ({"trust_remote_code": "maybe"}, "here: trust_remote_code must be true or false, not 'maybe'"),
    ],
)
def test_parse_mapping_rejects_invalid_values(values, message):
    with pytest.raises(HfseqError) as error:
        parse_mapping(values, where="here")
    assert str(error.value).startswith(message)


def test_parse_flags_names_the_nearest_flag():
    with pytest.raises(HfseqError, match=r"^there is no setting --max_lenth: did you mean 'max_length'\?$"):
        parse_flags(["--max_lenth=3"])


def test_flags_with_dashes_are_the_same_setting():
    assert parse_flags(["--max-length", "9"]) == {"max_length": 9}


# --- names


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("builtin:docstrings", "docstrings"),
        ("data/reviews.csv", "reviews"),
        ("data/reviews.v2.jsonl.gz", "reviews"),
        ("folder/", "folder"),
        ("org/set", "set"),
        ("./.hidden", "data"),
    ],
)
def test_short_name_is_the_last_part_of_a_path(dataset, name):
    assert short_name(dataset) == name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "lstm"),
        ({"model": "gru"}, "gru"),
        ({"model": "configs/wide.yaml"}, "wide"),
        ({"model": "runs/saved-model"}, "saved-model"),
        ({"model": "org/encoder"}, "encoder"),
        ({"model_type": "bert"}, "bert"),
        ({"model": "gru", "run_name": "first try"}, "first try"),
    ],
)
def test_run_name_is_the_model(given, name):
    assert run_name(given) == name


@pytest.mark.parametrize("given", [".", "..", "../saved/inner/.."])
def test_run_name_of_a_relative_folder_is_a_name(given, tmp_path, monkeypatch):
    (tmp_path / "saved" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "saved" if given != ".." else tmp_path / "saved" / "inner")
    assert run_name({"model": given}) == "saved"


@pytest.mark.parametrize(
    "text", ["seed: 1\nmodel: gru\nseed: 2\n", "config_overrides: {hidden_size: 1, hidden_size: 2}\n"]
)
def test_yaml_rejects_a_repeated_key(text, tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(HfseqError, match=r"twice.yaml is not valid YAML: the key '(seed|hidden_size)' is there twice"):
        read_yaml(path)


def test_items_of_lists_may_begin_with_a_dash():
    values = {"ignore_columns": ["-a", "--b", "--"], "seed": 3}
    assert parse_mapping(values, where="test") == values


def test_default_output_dir_names_data_and_model():
    assert resolve({"dataset": "data/reviews.csv", "model": "gru"}).training.output_dir == "runs/reviews-gru"


# --- the tables


def test_every_preset_resolves():
    for name in preset_names():
        arguments = resolve({"model": name})
        assert arguments.name == name
        assert (arguments.model.model_type is None) == (name == "minilm")
        assert overrides_of(arguments) == GENERAL[name].get("config_overrides", {})


def test_default_tables_contain_settings_only():
    names = setting_names()
    for table in (*FAMILY_DEFAULTS.values(), *GENERAL.values(), FIRST_LOOK_SETTINGS):
        assert set(table) <= names
    # All families define the same settings.
    assert len({frozenset(table) for table in FAMILY_DEFAULTS.values()}) == 1


def test_each_setting_has_one_place():
    """A setting of modalities or tasks may be in several groups, but not in the other dataclasses as well."""
    classes = (DataArguments, ModelArguments, SequenceTrainingArguments)
    names = [name for cls in classes for name in declared_settings(cls)]
    names += group_settings()
    assert sorted(names) == sorted(setting_names())


# --- typed objects


def test_typed_arguments_resolve_like_a_mapping():
    typed = RunArguments(
        DataArguments(dataset="builtin:dtmf", sampling_rate=4000),
        ModelArguments(model="gru", config_overrides={"hidden_size": 8}),
        SequenceTrainingArguments(output_dir="x", max_steps=3, lr_scheduler_type="linear", save_total_limit=None),
    )
    given = given_settings(typed)
    assert given == {
        "dataset": "builtin:dtmf", "sampling_rate": 4000, "model": "gru", "config_overrides": '{"hidden_size": 8}',
        "output_dir": "x", "max_steps": 3, "save_total_limit": None,
    }  # fmt: skip
    arguments = resolve(given)
    assert arguments.training.num_train_epochs == 15 and arguments.data.get("frame_stack") == 2
    assert resolve(given_settings(RunArguments())).settings == resolve({}).settings


def test_python_values_keep_their_types():
    values = {
        "seed": np.int64(3), "learning_rate": np.float32(0.5), "dataset": Path("data") / "a.csv", "use_cpu": True,
        "lr_scheduler_type": SchedulerType.COSINE, "class_weights": np.array([1.0, 2.5]), "warmup_steps": 2,
    }  # fmt: skip
    assert parse_mapping(values, where="x") == {
        "seed": 3, "learning_rate": 0.5, "dataset": "data/a.csv", "use_cpu": True, "lr_scheduler_type": "cosine",
        "class_weights": "1.0,2.5", "warmup_steps": 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_length": [1]}, r"x: max_length must be a whole number, not \[1\] \(list\)"),
        ({"learning_rate": True}, r"x: learning_rate must be a number, not True \(bool\)"),
        ({"model": object}, r"x: model must be a text, not <class 'object'> \(type\)"),
        ({"ignore_columns": 3}, r"x: ignore_columns must be a list of texts, not 3 \(int\)"),
        ({"use_cpu": 2.5}, r"x: use_cpu must be true or false, not 2.5 \(float\)"),
        ({"max_length": 0}, "x: max_length must be at least 1, not 0"),
        ({"sampling_rate": 8000, "model": "gru"}, "--sampling_rate is a setting of audio; this data is text"),
    ],
)
def test_wrong_values_are_rejected_with_key_and_type(values, message):
    with pytest.raises(HfseqError, match=f"^{message}$"):
        resolve(parse_mapping(values, where="x"))


# --- written and read again


@pytest.mark.parametrize("model", [*GENERAL, "yaml"])
def test_settings_repeat_the_run(model, write_yaml):
    if model == "yaml":
        model = write_yaml("own.yaml", {"model": "rnn", "report_to": ["tensorboard"], "lora_target_modules": ["a"]})
    words = ["--model", model, "--dataset", "a.csv", "--label_column", "no", "--max_length", "9", "--use_cpu"]
    arguments = resolve(read_settings([*words, "--num_train_epochs", "2"]))
    json.dumps(arguments.settings)  # as a record holds them
    again = resolve(read_yaml(write_yaml("again.yaml", arguments.settings)))
    assert fingerprint_settings(again.settings) == fingerprint_settings(arguments.settings)
    assert (again.data, again.model.config_overrides) == (arguments.data, arguments.model.config_overrides)
    assert again.family == arguments.family


def test_fingerprint_ignores_settings_that_do_not_change_the_result():
    before = fingerprint_settings(resolve({"model": "gru"}).settings)
    neutral = {
        "output_dir": "elsewhere",
        "run_name": "other",
        "report_to": ["tensorboard"],
        "cache_dir": "cache",
        "disable_tqdm": True,
        "per_device_eval_batch_size": 8,
        "hub_model_id": "org/model",
        "push_to_hub": True,
        "overwrite_output_dir": True,
    }
    assert fingerprint_settings(resolve({"model": "gru", **neutral}).settings) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"learning_rate": 0.5},
        {"max_length": 9},
        {"dataset": "a.csv"},
        {"config_overrides": "hidden_size=9"},
        {"per_device_train_batch_size": 8},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_fingerprint_depends_on_settings_that_change_the_result(changed):
    before = fingerprint_settings(resolve({"model": "gru"}).settings)
    assert fingerprint_settings(resolve({"model": "gru", **changed}).settings) != before


def test_fingerprint_does_not_depend_on_the_order():
    assert fingerprint_settings({"a": 1, "b": 2}) == fingerprint_settings({"b": 2, "a": 1})


def test_preset_training_overrides_the_family():
    assert resolve({"model": "minilm"}).training.learning_rate == PRESET_TRAINING["minilm", "whole"]["learning_rate"]
    assert resolve({"model": "minilm", "learning_rate": 1e-5}).training.learning_rate == 1e-5
    lora = resolve({"model": "minilm", "finetuning": "lora"})
    assert lora.training.learning_rate == FAMILY_DEFAULTS["lora"]["learning_rate"]


@pytest.mark.parametrize(
    "given",
    [
        {"model": "lstm", "num_train_epochs": 3.0, "learning_rate": 5e-5, "per_device_train_batch_size": 8},
        {"model": "minilm"},
        {"model": "transformer", "seed": 0, "weight_decay": 0.0},
    ],
)
def test_written_settings_are_read_as_the_same_settings(given, tmp_path):
    """A value that equals a default of transformers still overrides the family when it is read again."""
    first = resolve(given)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(first.settings))
    again = resolve(read_yaml(path))
    for name in ("num_train_epochs", "learning_rate", "per_device_train_batch_size", "weight_decay", "seed"):
        assert getattr(again.training, name) == getattr(first.training, name), name
    assert fingerprint_settings(again.settings) == fingerprint_settings(first.settings)


def test_secrets_are_not_recorded():
    arguments = resolve({"model": "lstm", "hub_token": "hf_secret"})
    assert arguments.training.hub_token == "hf_secret" and "hub_token" not in arguments.settings


def test_yaml_list_for_a_text_setting_is_joined():
    assert parse_mapping({"class_weights": [1.0, 2.5]}, where="a.yaml") == {"class_weights": "1.0,2.5"}


def test_built_in_data_set_overrides_the_preset():
    preset = resolve({"dataset": "builtin:dates", "model": "gru", "output_dir": "x"})
    assert (preset.data.get("tokenizer_name"), preset.data.max_length) == ("character", 64)
    given = resolve({"dataset": "builtin:dates", "model": "gru", "tokenizer_name": "word", "output_dir": "x"})
    assert given.data.get("tokenizer_name") == "word"
    other = resolve({"task": "sequence_to_sequence", "dataset": "pairs", "model": "gru", "output_dir": "x"})
    assert other.data.get("tokenizer_name") == "bpe"


def test_settings_are_plain_values():
    settings = resolve(parse_flags(["--debug", "underflow_overflow"])).settings
    assert settings["debug"] == "underflow_overflow"
    assert load_yaml(dump_yaml(settings)) == settings


@pytest.mark.parametrize("values", ["config.yaml", None, [1]])
def test_settings_must_be_a_mapping(values):
    with pytest.raises(HfseqError, match="test takes a mapping of settings such as"):
        parse_mapping(values, where="test")
