import numpy as np
import pytest

from hfseq.data.builtin import BUILTINS, describe_builtin, dtmf, load_builtin

FREQUENCIES = (697, 770, 852, 941, 1209, 1336, 1477)


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    return load_builtin("dtmf", cache_dir=str(tmp_path_factory.mktemp("cache")))


def test_dtmf_rows_match_their_transcripts(splits):
    assert {name: len(split) for name, split in splits.items()} == {"train": 600, "validation": 100, "test": 100}
    for split in splits.values():
        assert split.features == dtmf.FEATURES
        texts = split["text"][:]
        assert set("".join(texts)) == set(dtmf.KEYS)
        assert {len(text) for text in texts} == set(range(3, 9))
        for text, audio in zip(texts[:20], split[:20]["audio"], strict=True):
            assert audio["sampling_rate"] == 8000
            samples = np.array(audio["array"])
            assert 0.1 * len(text) < len(samples) / 8000 < 0.18 * len(text) + 0.08
            assert 0.01 < np.abs(samples).max() <= 1
    assert not set(splits["train"]["text"]) & set(splits["test"]["text"]) - {
        text for text in splits["train"]["text"] if len(text) < 5
    }


def test_dtmf_is_reproducible(splits):
    again = dtmf.build()["validation"]
    assert again["text"][:] == splits["validation"]["text"][:]
    assert again[7]["audio"] == splits["validation"][7]["audio"]


@pytest.mark.parametrize(
    ("key", "low", "high"), [("1", 697, 1209), ("6", 770, 1477), ("0", 941, 1336), ("#", 941, 1477)]
)
def test_dtmf_key_has_its_two_frequencies(key, low, high):
    """The two strongest frequencies, found by correlation over the whole recording, are those of the key."""
    samples = dtmf.make_recording(key, np.random.RandomState(1))
    time = np.arange(len(samples)) / 8000
    # Frequencies have an error of up to 1.5 %.
    near = np.linspace(0.985, 1.015, 13)
    strength = {f: max(abs(np.exp(-2j * np.pi * f * factor * time) @ samples) for factor in near) for f in FREQUENCIES}
    assert set(sorted(strength, key=strength.__getitem__)[-2:]) == {low, high}


def test_dtmf_description():
    assert describe_builtin("dtmf").startswith(
        "builtin:dtmf, synthetic telephone keypad tones (ITU-T Q.23) at 8000 Hz"
    )
    assert BUILTINS["dtmf"].modality == "audio"
