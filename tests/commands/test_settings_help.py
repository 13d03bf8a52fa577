"""The help of `hfseq train` and `hfseq compare`."""

import pytest

from hfseq.commands import main
from hfseq.commands.run_defaults import Defaults
from hfseq.commands.settings_help import common_sections, find_section, group_names, help_page, split_help
from hfseq.errors import HfseqError
from hfseq.training.all_settings import all_settings, setting_names
from hfseq.training.settings import resolve


def page(*words, capsys):
    assert main(list(words)) == 0
    return " ".join(capsys.readouterr().out.split())


def test_short_help_shows_common_flags_only(capsys):
    text = page("train", "--help", capsys=capsys)
    assert 18 <= text.count(" --") - text.count("hfseq train --") <= 40
    assert "--learning_rate X The initial learning rate for the optimizer. Default: 0.002." in text
    assert "Values: causal_lm, ctc, forecasting," in text and "Presets: rnn, lstm, gru" in text
    assert "--sampling_rate" not in text and "--deepspeed" not in text


def test_help_all_describes_every_setting_with_its_default(capsys):
    text = page("train", "--help-all", capsys=capsys)
    for name in setting_names():
        assert f" --{name} " in text
    assert "Largest number of tokens of a target, in training and in generation." in text and "Default: 128." in text
    assert text.index("--sampling_rate") < text.index("--adam_beta1")


def test_help_of_a_group_shows_its_settings_only(capsys):
    text = page("train", "--help", "audio", capsys=capsys)
    assert "--sampling_rate N Sampling rate in Hz" in text and "--learning_rate" not in text
    assert find_section("captioning") == find_section("text_generation")
    assert {"data", "model", "lora", "audio", "forecasting", "training", "transformers"} <= set(group_names())
    with pytest.raises(HfseqError, match="there is no group of settings 'adio': did you mean 'audio'"):
        find_section("adio")


@pytest.mark.parametrize(
    "given",
    [
        {"model": "gru"},
        {"model": "transformer", "task": "forecasting"},
        {"model": "gru", "dataset": "builtin:dtmf"},
        {"model": "lstm", "dataset": "builtin:digits-rows"},
        {"model": "minilm", "finetuning": "lora"},
        {"model": "gru", "dataset": "builtin:dates", "learning_rate": 0.5},
        {"model": "transformer", "dataset": "builtin:melodies"},
    ],
    ids=str,
)
def test_shown_defaults_are_those_of_the_run(given):
    found = next(iter(Defaults.of([given["model"]], given).values.values()))
    settings = resolve(given).settings
    for name in {"learning_rate", "num_train_epochs", "early_stopping_patience", *settings} - {"output_dir", "task"}:
        assert found[name] == settings[name] or name == "config_overrides", name


def test_help_shows_the_settings_of_the_task_at_hand():
    names = [section.name for section in common_sections(Defaults.of(["gru"], {"dataset": "builtin:dtmf"}))]
    assert names == ["data", "model", "training", "output", "ctc", "audio"]
    names = [section.name for section in common_sections(Defaults.of(["gru"], {"task": "forecasting"}))]
    assert names[-1] == "forecasting"


def test_compare_help_shows_the_default_of_each_model(capsys):
    text = page("compare", "--models", "gru", "transformer", "--help", capsys=capsys)
    assert "Default: 0.002 (gru); 0.0005 (transformer)." in text
    assert "--models MODEL ..." in text and "--model MODEL" not in text.replace("[--models MODEL", "")


@pytest.mark.parametrize("width", [50, 80, 100])
def test_help_fits_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    for topic in ("", "all"):
        for line in help_page(
            "train", ["usage: hfseq train", "  hfseq train " + "--seed 1 " * 20], topic, ["gru"], {}
        ).splitlines():
            assert len(line) <= width or " " not in line.strip(), line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--seed", "1"], (None, ["--seed", "1"])),
        (["-h"], ("", [])),
        (["--help", "--model", "gru"], ("", ["--model", "gru"])),
        (["--help", "audio", "--seed", "1"], ("audio", ["--seed", "1"])),
        (["a.yaml", "--help-all"], ("all", ["a.yaml"])),
    ],
)
def test_split_help_finds_the_topic(words, expected):
    assert split_help(words) == expected


def test_every_setting_has_a_help_text():
    for item in all_settings().values():
        assert item.help.strip() and "%%" not in item.help, item.name
