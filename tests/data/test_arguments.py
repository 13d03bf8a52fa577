"""The settings of the data: the values that they accept and reject."""

import re

import pytest

from hfseq.data.arguments import DataArguments
from hfseq.data.setting_groups import modality_names
from hfseq.errors import HfseqError
from hfseq.tasks.forecasting.settings import ForecastingSettings

COUNTS = (
    "max_length", "eval_max_length", "max_target_length", "num_beams", "max_steps_per_example", "channels", "kmer",
    "kmer_stride", "sampling_rate", "num_mel_bins", "frame_stack", "context_length", "prediction_length",
    "seasonality", "window_stride", "max_train_samples", "max_eval_samples", "max_predict_samples",
)  # fmt: skip


def test_valid_values_are_accepted():
    for name in modality_names():
        assert DataArguments(modality=name).modality == name
    for name in COUNTS:
        assert DataArguments(**{name: 1}).get(name) == 1
    given = DataArguments(num_channels=1, truncation="head+tail", normalization="none")
    assert given.get("max_steps_per_example") is None and given.get("num_channels") == 1


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -3])
def test_counts_are_at_least_one(name, value):
    with pytest.raises(HfseqError, match=f"^{name} must be at least 1, not {value}$"):
        DataArguments(**{name: value})


@pytest.mark.parametrize("name", ["validation_fraction", "test_fraction"])
@pytest.mark.parametrize("value", [0, 1, 1.5])
def test_fractions_are_between_0_and_1(name, value):
    with pytest.raises(HfseqError, match=f"^{name} must lie between 0 and 1, not {value}$"):
        DataArguments(**{name: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"truncation": "haed"}, "truncation 'haed' is not known: did you mean 'head'?"),
        ({"modality": "vidio"}, "modality 'vidio' is not known: did you mean 'video'?"),
        (
            {"modality": "smell"},
            "modality 'smell' is not known: choose from 'audio', 'dna', 'image', 'music', 'series', 'text', 'video'",
        ),
        ({"normalization": "chanel"}, "normalization 'chanel' is not known: did you mean 'channel'?"),
        ({"forecast_loss": "hubber"}, "forecast_loss 'hubber' is not known: did you mean 'huber'?"),
        ({"image_size": 0}, "image_size must be at least 1 and at most 8192, not 0"),
        ({"image_size": 9000}, "image_size must be at least 1 and at most 8192, not 9000"),
        ({"num_channels": 2}, "num_channels must be 1 or 3, not 2"),
        ({"transpose": 12}, "transpose must lie between 0 and 11 semitones, not 12"),
    ],
)
def test_invalid_values_are_rejected(settings, message):
    with pytest.raises(HfseqError, match=f"^{re.escape(message)}$"):
        DataArguments(**settings)


def test_quantiles_are_ascending_numbers():
    assert DataArguments().group(ForecastingSettings).quantile_levels is None
    assert DataArguments(quantiles="0.1, 0.5,0.9").group(ForecastingSettings).quantile_levels == (0.1, 0.5, 0.9)
    for wrong in ("0.5,0.1", "0,0.5", "0.5,1", "0.5,0.5", "half", ""):
        with pytest.raises(HfseqError, match=f"^quantiles must be ascending numbers .*`0.1,0.5,0.9`, not '{wrong}'$"):
            DataArguments(quantiles=wrong)
