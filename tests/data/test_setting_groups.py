"""The settings of modalities and tasks, which live in their folders."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

import hfseq
from hfseq import registry
from hfseq.data.arguments import DataArguments, data_settings
from hfseq.data.setting_checks import applies, check_applies
from hfseq.data.setting_groups import modality_names, owners, settings_class, task_names
from hfseq.data.settings import ModalitySettings, setting
from hfseq.errors import HfseqError
from hfseq.modalities.audio.settings import AudioSettings
from hfseq.modalities.shared_settings import MediaSettings, TruncationSettings
from hfseq.registry import modalities, tasks

ROOT = Path(hfseq.__file__).parent


def test_each_folder_declares_the_settings_of_its_modality_or_task():
    assert set(modality_names()) == set(modalities()) and set(task_names()) == set(tasks())
    for name, modality in modalities().items():
        assert modality.settings_class is settings_class("modality", name)
        assert modality.presets_like == modality.settings_class.presets_like
    for name, task in tasks().items():
        assert task.settings_class is settings_class("task", name)
    for package in ("modalities", "tasks"):
        for folder in (ROOT / package).iterdir():
            if (folder / "__init__.py").is_file():
                assert (folder / "settings.py").is_file(), folder


def test_settings_modules_import_no_heavy_library():
    code = (
        "import sys; from hfseq.training.all_settings import all_settings; from hfseq.registry import preset_names; "
        "all_settings(), preset_names(); "
        "print([name for name in ('torch', 'transformers', 'datasets', 'pandas', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "[]\n"


def test_group_returns_given_values_and_defaults():
    arguments = DataArguments(dataset="recordings", sampling_rate=8000, max_media_values=9)
    settings = arguments.group(AudioSettings)
    assert (settings.sampling_rate, settings.num_mel_bins, settings.max_media_values) == (8000, 40, 9)
    assert arguments.group(MediaSettings).max_media_values == 9
    assert arguments.group(TruncationSettings).truncation == "head"
    assert (arguments.get("sampling_rate"), arguments.get("kmer"), arguments.get("dataset")) == (8000, 1, "recordings")


def test_data_arguments_reject_unknown_names_and_assignment():
    with pytest.raises(HfseqError, match="there is no setting 'samplig_rate': did you mean 'sampling_rate'"):
        DataArguments(samplig_rate=8000)
    with pytest.raises(AttributeError, match=r"dataclasses.replace\(arguments, kmer=...\)"):
        DataArguments().kmer = 3


def test_every_setting_has_a_help_text():
    for name, item in data_settings().items():
        assert item.help[0].isupper() and item.help.rstrip().endswith("."), name


@pytest.mark.parametrize(
    ("name", "modality", "task", "message"),
    [
        (
            "sampling_rate",
            "text",
            "sequence_classification",
            "--sampling_rate is a setting of audio; this data is t",
        ),
        ("image_size", "audio", "ctc", "--image_size is a setting of image and video; this data is audio"),
        ("quantiles", "series", "sequence_classification", "--quantiles is a setting of forecasting; the task is "),
        (
            "num_beams",
            "text",
            "causal_lm",
            "--num_beams is a setting of ctc, sequence_to_sequence and captioning; ",
        ),
        (
            "tokenizer_name",
            "series",
            "forecasting",
            "--tokenizer_name is a setting of dna, text, ctc, sequence_to_sequence and captioning; this data is "
            "series and the task is forecasting",
        ),
    ],
)
def test_check_applies_rejects_settings_of_others(name, modality, task, message):
    with pytest.raises(HfseqError, match=f"^{message}"):
        check_applies([name], modality=modality, task=task)


def test_check_applies_accepts_what_is_read_or_not_known_yet():
    check_applies(["max_length", "sampling_rate", "frame_stack"], modality="audio", task="ctc")
    check_applies(["id_column"], modality="text", task="token_classification")
    check_applies(["sampling_rate"], modality=None, task="ctc")
    assert [applies(name, modality="image", task="captioning") for name in ("kmer", "seed", "tokenizer_name")] == [
        False, True, True,
    ]  # fmt: skip


def test_settings_of_a_plug_in_are_known_once_it_is_registered(monkeypatch):
    @dataclass(frozen=True)
    class SmellSettings(ModalitySettings):
        group = "smell"
        receptors: int = setting(400, "Number of receptors.")

    registered = {
        "smell": SimpleNamespace(settings_class=SmellSettings),
        "taste": SimpleNamespace(settings_class=None),
    }
    monkeypatch.setattr(registry, "_modalities", registered)
    assert {"smell", "taste"} <= set(modality_names()) and owners("receptors") == [SmellSettings]
    assert DataArguments(modality="smell", receptors=3).group(SmellSettings).receptors == 3
    with pytest.raises(HfseqError, match="--receptors is a setting of smell; this data is taste"):
        check_applies(["receptors"], modality="taste", task=None)

    @dataclass(frozen=True)
    class Other(ModalitySettings):
        group = "other"
        kmer: int = setting(5, "Something else.")

    registered["other"] = SimpleNamespace(settings_class=Other)
    with pytest.raises(HfseqError, match="the setting 'kmer' of 'other' differs from the setting of hfseq"):
        owners("kmer")
