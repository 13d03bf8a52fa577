import numpy as np
import pytest
import torch
from datasets import Dataset

from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor

# Two channels with different scales. Values of the second are missing at the start and in the middle.
SERIES = [[[1.0, None], [2.0, 100.0], [3.0, None], [None, 300.0]], [[4.0, 200.0]]]


def test_fit_ignores_missing_values_and_does_not_depend_on_the_split():
    extractor = SeriesFeatureExtractor.fit(SERIES)
    assert extractor.mean == pytest.approx([2.5, 200.0])
    assert extractor.std == pytest.approx([np.std([1, 2, 3, 4]), np.std([100, 200, 300])])
    values = 1e9 + np.random.RandomState(0).rand(1000, 1)
    whole, parts = (SeriesFeatureExtractor.fit(series) for series in ([values], np.split(values, [1, 7, 500])))
    assert parts.mean == pytest.approx(whole.mean, rel=1e-15)
    assert parts.std == pytest.approx(whole.std, rel=1e-6) == [values.std()]


def test_extractor_scales_by_fitted_statistics_and_replaces_missing_by_zero():
    extractor = SeriesFeatureExtractor.fit(SERIES)
    batch = extractor(SERIES)
    scaled = np.array([-1.5, -0.5, 0.5, 0]) / np.std([1, 2, 3, 4])
    assert [one.dtype for one in batch["input_features"]] == [np.float32] * 2
    np.testing.assert_allclose(batch["input_features"][0][:, 0], scaled, rtol=1e-6)
    assert batch["input_features"][0][0, 1] == batch["input_features"][0][2, 1] == 0
    assert [mask.tolist() for mask in batch["attention_mask"]] == [[1, 1, 1, 1], [1]]


def test_missing_last_carries_values_forward_within_a_series():
    extractor = SeriesFeatureExtractor(2, normalize=None, missing="last")
    (features,) = extractor(SERIES[0])["input_features"]
    assert features.tolist() == [[1, 0], [2, 100], [3, 100], [3, 300]]


def test_missing_mask_doubles_the_features():
    extractor = SeriesFeatureExtractor.fit(SERIES, normalize=None, add_missing_mask=True)
    assert (extractor.feature_size, extractor.num_channels) == (4, 2)
    (features,) = extractor(SERIES[0])["input_features"]
    assert features.tolist() == [[1, 0, 0, 1], [2, 100, 0, 0], [3, 0, 0, 1], [0, 300, 1, 0]]


def test_normalize_sequence_scales_each_series_by_its_own_statistics():
    extractor = SeriesFeatureExtractor(2, normalize="sequence")
    for features in extractor([[[1.0, 5.0], [3.0, 5.0]], [[1000.0, None], [3000.0, None]]])["input_features"]:
        # A constant channel, and one without values, become zero and not NaN.
        assert features.tolist() == [[-1, 0], [1, 0]]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1])
def test_constant_channel_is_not_divided(value):
    extractor = SeriesFeatureExtractor.fit([[value] * 7])
    np.testing.assert_allclose(extractor([value, value + 2])["input_features"][0], [[0], [2]], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("side", ["right", "left"])
def test_extractor_pads_like_transformers(channels, side):
    extractor = SeriesFeatureExtractor(channels, normalize=None, padding_side=side)
    rows = [np.ones((3, channels)), np.full((1, channels), 2.0)]
    # As in a collator: rows of a data set are lists.
    examples = [dict(row) for row in Dataset.from_dict(dict(extractor(rows)))]
    padded = extractor.pad(examples, return_tensors="pt", pad_to_multiple_of=4)
    assert padded["input_features"].shape == (2, 4, channels)
    assert padded["input_features"].dtype == torch.float32
    mask = [[1, 1, 1, 0], [1, 0, 0, 0]] if side == "right" else [[0, 1, 1, 1], [0, 0, 0, 1]]
    assert padded["attention_mask"].tolist() == mask
    values = torch.tensor([[1.0], [2.0]]) * padded["attention_mask"]
    assert torch.equal(padded["input_features"], values[..., None].expand(-1, -1, channels))
    direct = extractor(rows, padding="max_length", max_length=4, return_tensors="pt")
    assert torch.equal(direct["input_features"], padded["input_features"])


def test_extractor_truncates_and_reads_arrays_of_any_type():
    extractor = SeriesFeatureExtractor(1, normalize=None)
    (features,) = extractor([5, 6, 7], max_length=2, truncation=True)["input_features"]
    assert features.tolist() == [[5], [6]]
    tensor = torch.arange(6.0).reshape(2, 3, 1)
    assert torch.equal(extractor(tensor, return_tensors="pt")["input_features"], tensor)
    assert "attention_mask" not in extractor(tensor, return_attention_mask=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"normalize": "batch"}, "normalize must be one of"),
        ({"missing": "mean"}, "missing must be one of"),
        ({"feature_size": 3, "add_missing_mask": True}, "feature_size must be even"),
        ({"feature_size": 0}, "feature_size must be 1 or more, got 0"),
        ({"mean": [0.0, 1.0]}, "mean must be 1 finite numbers"),
        ({"std": [-1.0]}, "std must be 1 finite numbers, none negative"),
    ],
)
def test_extractor_rejects_invalid_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SeriesFeatureExtractor(**settings)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([[[1.0, 2.0]], []], "series 1 has no steps"),
        ([[[1.0, 2.0]], [[1.0]]], "series 1 has 1 channels, but the extractor is for 2"),
        ([[1.0, 2.0], [3.0]], "series 0: step 1 has 1 channels, but step 0 has 2"),
        ([[1.0, "high"]], "series 0 holds something that is not a number"),
        ([[1.0, 2.0], [float("inf"), 2.0]], "series 0: step 1 holds an infinite value"),
        ([[1.0, 1e300]], "series 0: a value is too large for float32"),
        ([1.0, 2.0], r"must be a list of steps, each a list of channels, got the shape \(2,\)"),
        ([], "series 0 has no steps"),
    ],
)
def test_extractor_rejects_invalid_series(series, message):
    with pytest.raises(ValueError, match=message):
        SeriesFeatureExtractor(2, normalize=None)(series)


def test_extractor_needs_statistics_and_fit_needs_series():
    with pytest.raises(ValueError, match=r'normalize="channel" needs mean and std'):
        SeriesFeatureExtractor()([1.0, 2.0])
    with pytest.raises(ValueError, match="there are no series"):
        SeriesFeatureExtractor.fit([])
