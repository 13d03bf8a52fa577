import numpy as np
import pytest
import torch
from scipy.signal import resample_poly
from transformers.audio_utils import mel_filter_bank

from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.audio.resampling import resample

RATE = 8000
SMALL = {"sampling_rate": RATE, "num_mel_bins": 6, "normalize": None}


def noise(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def extract(waveform, **settings):
    extractor = LogMelFeatureExtractor(**SMALL | settings)
    return extractor(waveform, sampling_rate=RATE)["input_features"][0]


def plain_log_mel(waveform, length, hop, bins, fft_length):
    """A reference implementation with loops, in double precision."""
    filters = mel_filter_bank(fft_length // 2 + 1, bins, 0.0, RATE / 2, RATE)
    window = np.sin(np.pi * np.arange(length) / length) ** 2
    starts = [0]
    while starts[-1] + length < len(waveform):
        starts.append(starts[-1] + hop)
    rows = []
    for start in starts:
        frame = np.zeros(fft_length)
        piece = waveform[start : start + length].astype(np.float64)
        frame[: len(piece)] = piece * window[: len(piece)]
        waves = np.exp(-2j * np.pi * np.outer(np.arange(fft_length // 2 + 1), np.arange(fft_length)) / fft_length)
        rows.append(np.log(np.maximum(np.abs(waves @ frame) ** 2 @ filters, 1e-8)))
    return np.array(rows)


@pytest.mark.parametrize("samples", [1, 199, 200, 201, 280, 1000])
def test_log_mel_equals_a_plain_implementation(samples):
    waveform = noise(samples)
    found = extract(waveform)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain_log_mel(waveform, 200, 80, 6, 256), rtol=1e-3, atol=1e-3)


def test_silence_gives_finite_features():
    features = extract(np.zeros(800, dtype=np.float32))
    assert np.isfinite(features).all() and (features == features[0, 0]).all()
    # The result is zero for any number of frames.
    silence = np.zeros(20 * RATE, dtype=np.float32)
    assert not extract(silence, normalize="utterance").any()
    extractor = LogMelFeatureExtractor(**SMALL | {"normalize": "global"}).fit([silence], sampling_rate=RATE)
    assert not extractor(noise(800), sampling_rate=RATE)["input_features"][0].any()


def test_frame_stack_joins_frames():
    waveform = noise(200 + 6 * 80)
    frames = extract(waveform)
    stacked = extract(waveform, frame_stack=3)
    assert frames.shape == (7, 6) and stacked.shape == (3, 18)
    # The last frame is repeated.
    np.testing.assert_array_equal(stacked.reshape(-1, 6), np.concatenate([frames, frames[-1:], frames[-1:]]))
    assert LogMelFeatureExtractor(**SMALL, frame_stack=3).feature_size == 18


def test_normalize_utterance_standardizes_each_recording():
    waveform = noise(4000)
    quiet, loud = (extract(factor * waveform, normalize="utterance") for factor in (0.1, 1))
    np.testing.assert_allclose(quiet, loud, atol=1e-2)
    np.testing.assert_allclose(loud.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(loud.std(axis=0), 1, atol=1e-4)


def test_normalize_global_uses_the_training_data(tmp_path):
    extractor = LogMelFeatureExtractor(**SMALL | {"normalize": "global"})
    waveforms = [noise(900, 1), 3 * noise(2500, 2)]
    with pytest.raises(ValueError, match="needs the mean and std of the training data: call fit first"):
        extractor(waveforms, sampling_rate=RATE)
    with pytest.raises(ValueError, match="there is no audio to compute the mean and std of"):
        extractor.fit([])
    assert extractor.fit(iter(waveforms), sampling_rate=RATE) is extractor
    frames = np.concatenate(extractor(waveforms, sampling_rate=RATE)["input_features"])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-4)
    extractor.save_pretrained(tmp_path)
    again = LogMelFeatureExtractor.from_pretrained(tmp_path)
    assert again.to_dict() == extractor.to_dict()
    np.testing.assert_array_equal(np.concatenate(again(waveforms, sampling_rate=RATE)["input_features"]), frames)


def test_extractor_pads_batches():
    extractor = LogMelFeatureExtractor(**SMALL)
    waveforms = [noise(1000), noise(300)]
    rows = extractor(waveforms, sampling_rate=RATE)
    assert [row.shape for row in rows["input_features"]] == [(11, 6), (3, 6)]
    assert [mask.tolist() for mask in rows["attention_mask"]] == [[1] * 11, [1] * 3]
    batch = extractor(waveforms, sampling_rate=RATE, padding=True, return_tensors="pt")
    assert batch["input_features"].dtype == torch.float32 and batch["attention_mask"].sum(1).tolist() == [11, 3]
    assert torch.equal(batch["input_features"][1, :3], torch.from_numpy(rows["input_features"][1]))
    assert not batch["input_features"][1, 3:].any()
    # As a collator pads features that were extracted before.
    later = extractor.pad({"input_features": rows["input_features"]}, return_tensors="pt")
    assert torch.equal(later["input_features"], batch["input_features"])
    cut = extractor(waveforms, sampling_rate=RATE, max_length=4, truncation=True, padding="max_length")
    assert np.stack(cut["input_features"]).shape == (2, 4, 6)


def test_extractor_reads_all_forms_of_audio():
    extractor = LogMelFeatureExtractor(**SMALL)
    waveform = noise(400)
    expected = extractor(waveform, sampling_rate=RATE)["input_features"][0]
    example = {"array": waveform.tolist(), "sampling_rate": RATE}
    for audio in (example, [example], waveform.tolist(), [waveform], torch.from_numpy(waveform)):
        (found,) = extractor(audio, sampling_rate=RATE)["input_features"]
        np.testing.assert_array_equal(found, expected)
    (found,) = extractor(example)["input_features"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ([], "audio 0 is empty"),
        (np.zeros(0), "audio 0 is empty: it needs at least one sample"),
        ([noise(50), np.zeros(0)], "audio 1 is empty"),
        ([np.zeros((2, 9))], r"audio 0 must be one channel of floats in -1..1, but has shape \(2, 9\)"),
        (np.zeros((2, 9)), r"has shape \(2, 9\), but a waveform has one dimension: average its channels, or pass sev"),
        ({"array": np.zeros(9), "sampling_rate": 0}, "the sampling rate of audio 0 must be a number of at least 1 Hz"),
        ({"array": np.zeros(9), "sampling_rate": -8}, "a number of at least 1 Hz, not -8"),
        (np.zeros(9, dtype=np.int16), r"has shape \(9,\) and type int16"),
        (np.array([0, 0.1, np.nan, 0.2]), "audio 0 holds values that are not finite, from sample 2 on"),
        ("a.wav", "must be waveforms or dictionaries with array and sampling_rate, not 'a.wav'"),
    ],
)
def test_extractor_rejects_invalid_audio(audio, message):
    with pytest.raises(ValueError, match=message):
        LogMelFeatureExtractor(**SMALL)(audio, sampling_rate=RATE)


def test_unknown_sampling_rate_is_rejected():
    with pytest.raises(ValueError, match="the sampling rate of audio 0 is unknown: pass sampling_rate"):
        LogMelFeatureExtractor(**SMALL)(noise(400))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_mel_bins": 1}, "num_mel_bins must be a whole number of at least 2, not 1"),
        ({"sampling_rate": 8e3}, "sampling_rate must be a whole number of at least 1, not 8000.0"),
        ({"frame_stack": 0}, "frame_stack must be a whole number of at least 1, not 0"),
        ({"hop_length_ms": 30}, "240 and 200 samples at 8000 Hz: the hop must be at least one sample, and not longer"),
        ({"hop_length_ms": 0}, "a hop of 0 ms"),
        ({"normalize": "batch"}, "normalize must be one of 'utterance', 'global', None, not 'batch'"),
        ({"mean": [0.0] * 6}, "set both mean and std"),
        ({"mean": [0.0], "std": [1.0]}, "mean has 1 values for 6 mel bins"),
        ({"num_mel_bins": 1500}, r"num_mel_bins \(1500\) is too large for frames of 200 samples at 8000 Hz"),
    ],
)
def test_extractor_rejects_invalid_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LogMelFeatureExtractor(**SMALL | settings)


def test_many_bands_use_a_longer_fft():
    extractor = LogMelFeatureExtractor(sampling_rate=RATE, num_mel_bins=128)
    assert extractor.mel_filters.shape[0] > 129 and extractor.mel_filters.any(axis=0).all()


@pytest.mark.parametrize(("from_rate", "to_rate"), [(44100, 8000), (8000, 16000), (8000, 11025), (16000, 8000)])
def test_resample_equals_scipy_and_removes_aliases(from_rate, to_rate):
    """Keeps frequencies below both Nyquist frequencies, removes those between them, and equals scipy's filter."""
    time, wanted = np.arange(from_rate // 5) / from_rate, np.arange(to_rate // 5) / to_rate
    kept = 0.4 * min(from_rate, to_rate)
    found = resample(np.sin(2 * np.pi * kept * time), from_rate, to_rate)
    assert found.dtype == np.float32 and len(found) == len(wanted)
    np.testing.assert_allclose(found[200:-200], np.sin(2 * np.pi * kept * wanted)[200:-200], atol=1e-3)
    if from_rate > to_rate:
        assert np.abs(resample(np.sin(2 * np.pi * 0.6 * to_rate * time), from_rate, to_rate)[200:-200]).max() < 1e-3
    low = np.convolve(noise(len(time)), np.hanning(65) / 32, mode="same")
    common = np.gcd(from_rate, to_rate)
    reference = resample_poly(low, to_rate // common, from_rate // common, window=("kaiser", 8.0))
    np.testing.assert_allclose(resample(low, from_rate, to_rate)[200:-200], reference[200:-200], atol=5e-3)


def test_audio_of_another_rate_is_resampled():
    tone, faster = (np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32) for rate in (RATE, 22050))
    extractor = LogMelFeatureExtractor(**SMALL)
    one, other = (
        extractor({"array": waveform, "sampling_rate": rate})["input_features"][0]
        for waveform, rate in ((tone, RATE), (faster, 22050))
    )
    # The band of the tone, without the first and last frames.
    assert one.shape == other.shape
    np.testing.assert_allclose(one[5:-5].max(axis=1), other[5:-5].max(axis=1), atol=1e-2)
