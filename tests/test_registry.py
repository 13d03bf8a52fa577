"""Registration and lookup by name."""

import sys

import pytest

from hfseq import HfseqError, plugins, registry
from hfseq.registry import (
    family_settings,
    get_modality,
    get_task,
    metric_directions,
    modalities,
    preset_names,
    preset_settings,
    register_family_settings,
    register_metric_direction,
    register_modality,
    register_preset,
    register_recurrent_presets,
    tasks,
)


@pytest.fixture(autouse=True)
def unchanged_registry(monkeypatch):
    """Tests register into copies of the tables."""
    preset_names(), modalities(), tasks(), metric_directions()  # hfseq's own
    for name in ("_modalities", "_tasks", "_metrics", "_greater_is_better", "_recurrent_presets"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    for name in ("_presets", "_family_settings"):
        monkeypatch.setattr(registry, name, {key: dict(value) for key, value in getattr(registry, name).items()})


def test_registered_folders_are_those_of_the_package():
    assert set(modalities()) == {"text", "dna", "series", "audio", "image", "video", "music"}
    assert {"sequence_classification", "captioning", "forecasting"} <= set(tasks())
    assert list(modalities()).index("video") < list(modalities()).index("image")  # a folder of frames is a video


@pytest.mark.parametrize(("look_up", "message"), [
    (lambda: get_modality("txet"), "unknown modality 'txet': did you mean 'text'"),
    (lambda: get_task("captionin"), "unknown task 'captionin': did you mean 'captioning'"),
    (lambda: preset_settings("lstn", "ctc", "audio"), "unknown preset 'lstn': did you mean 'lstm'"),
])  # fmt: skip
def test_lookup_of_an_unknown_name_names_the_nearest(look_up, message):
    with pytest.raises(HfseqError, match=message):
        look_up()


def test_preset_of_the_narrowest_scope_wins():
    register_preset("tiny", {"learning_rate": 1})
    register_preset("tiny", {"learning_rate": 2}, modality="weather")
    register_preset("tiny", {"learning_rate": 3}, task="nowcasting")
    register_preset("tiny", {"learning_rate": 4}, task="nowcasting", modality="weather")
    found = {
        (task, modality): preset_settings("tiny", task, modality)["learning_rate"]
        for task in ("nowcasting", "ctc")
        for modality in ("weather", "audio")
    }
    assert found == {
        ("nowcasting", "weather"): 4,
        ("nowcasting", "audio"): 3,
        ("ctc", "weather"): 2,
        ("ctc", "audio"): 1,
    }
    assert preset_settings("tiny", "ctc", "rain", like="weather")["learning_rate"] == 2
    assert "tiny" in preset_names()


def test_recurrent_presets_exist_for_each_cell():
    register_recurrent_presets(
        lambda cell: {"config_overrides": {"cell_type": cell}}, task="nowcasting", cells=["gru"]
    )
    assert preset_settings("gru", "nowcasting", "text") == {"config_overrides": {"cell_type": "gru"}}
    # Other cells have the general preset.
    assert preset_settings("lstm", "nowcasting", "text") == preset_settings("lstm", "any", "text")


def test_family_settings_add_up_from_wide_to_narrow():
    register_family_settings("recurrent", {"num_train_epochs": 2, "seed": 1}, task="nowcasting")
    register_family_settings("recurrent", {"num_train_epochs": 9}, task="nowcasting", modality="weather")
    assert family_settings("recurrent", "nowcasting", "weather") == {"num_train_epochs": 9, "seed": 1}
    assert family_settings("attention", "nowcasting", "weather") == {}


def test_registering_a_name_twice_is_an_error():
    text = type(get_modality("text"))
    register_modality(text)  # the same class again, as after a second import
    with pytest.raises(HfseqError, match="the modality 'text' is registered twice"):
        register_modality(type("Other", (text,), {}))
    register_preset("tiny", {"seed": 1})
    with pytest.raises(HfseqError, match="the preset 'tiny' for task all and modality all are registered twice"):
        register_preset("tiny", {"seed": 2})
    with pytest.raises(HfseqError, match="'accuracy' is already registered with the other direction"):
        register_metric_direction("accuracy", greater_is_better=False)


def test_entry_points_of_installed_packages_are_imported(tmp_path, monkeypatch):
    (tmp_path / "rainfall.py").write_text(
        "from hfseq.registry import register_metric_direction\n"
        "register_metric_direction('rain_error', greater_is_better=False)\n"
    )
    information = tmp_path / "rainfall-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: rainfall\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[hfseq.plugins]\nrain = rainfall\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.load_entry_points.cache_clear()
    try:
        plugins.load_entry_points()
        assert metric_directions()["rain_error"] is False
    finally:
        plugins.load_entry_points.cache_clear()
        sys.modules.pop("rainfall", None)
