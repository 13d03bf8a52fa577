"""Built-in scenes and videos of digits: their content and their labels."""

import re
from collections import Counter

import numpy as np
import pytest

from hfseq.data.builtin import BUILTINS, describe_builtin, load_builtin
from hfseq.data.builtin.digit_images import NAMES, DigitImages, nested_column
from hfseq.data.builtin.moving_digits import CANVAS, DIRECTIONS


@pytest.fixture(scope="module")
def scenes():
    return load_builtin("digits-captions")


@pytest.fixture(scope="module")
def videos():
    return load_builtin("moving-digits")


def test_digit_scenes_and_videos_have_documented_sizes(scenes, videos):
    assert {split: len(rows) for split, rows in scenes.items()} == {"train": 1500, "validation": 200, "test": 200}
    assert {split: len(rows) for split, rows in videos.items()} == {"train": 1200, "validation": 200, "test": 200}
    assert "synthetic scenes" in describe_builtin("digits-captions")
    assert "synthetic videos" in describe_builtin("moving-digits")
    assert BUILTINS["moving-digits"].settings["image_size"] == CANVAS
    assert BUILTINS["digits-captions"].task == "captioning" and BUILTINS["moving-digits"].modality == "video"


def test_digit_scenes_and_videos_are_reproducible(scenes, videos):
    assert load_builtin("digits-captions")["test"][:20] == scenes["test"][:20]
    assert load_builtin("moving-digits")["test"][:20] == videos["test"][:20]


def test_digit_images_occur_in_one_split_only():
    digits = {split: np.concatenate(DigitImages(split)._images) for split in ("train", "validation", "test")}
    counts = {split: len(images) for split, images in digits.items()}
    assert sum(counts.values()) == 1797 and counts["train"] == 1258
    known = {image.tobytes() for image in digits["train"]}
    assert not known & {image.tobytes() for image in np.concatenate([digits["validation"], digits["test"]])}


def test_captions_match_the_positions_of_the_digits(scenes):
    images = np.array(scenes["train"]["image"][:])
    assert images.shape == (1500, 24, 24) and images.max() == 255 and images.min() == 0
    kinds = Counter()
    for image, captions in zip(images, scenes["train"]["captions"], strict=True):
        assert len(set(captions)) == 3 and f"there is {captions[0]}" in captions
        words = re.findall(r"\w+", captions[0])
        shown = [word for word in words if word in NAMES]
        assert all(re.search(rf"\b{'an' if word == 'eight' else 'a'} {word}\b", captions[0]) for word in shown)
        rows, columns = np.nonzero(image)
        row, column = rows.mean(), columns.mean()
        if len(shown) == 1:
            assert not re.search("top|upper", captions[0]) or row < 9
            assert not re.search("bottom|lower", captions[0]) or row > 14
            assert "left" not in words or column < 9
            assert "right" not in words or column > 14
        elif "above" in words:
            assert np.ptp(rows) > 8
        else:
            assert np.ptp(columns) > 8
        kinds[len(shown), "above" in words] += 1
    assert kinds[1, False] == 750 and min(kinds.values()) > 300


def test_labels_match_the_directions_of_movement(videos):
    names = videos["train"].features["label"].names
    lengths = Counter()
    for video, label in zip(videos["train"]["video"], videos["train"]["label"], strict=True):
        first, last = (np.argwhere(np.array(video[index])).min(axis=0) for index in (0, -1))
        assert tuple(np.sign(last - first)) == DIRECTIONS[names[label]]
        lengths[len(video)] += 1
    assert sorted(lengths) == [6, 7, 8, 9, 10, 11, 12]
    assert set(Counter(videos["train"]["label"]).values()) == {150}
    opposite = list(DIRECTIONS.values())
    assert all(np.add(opposite[way], opposite[way + 4]).tolist() == [0, 0] for way in range(4))


def test_nested_column_accepts_ragged_arrays():
    arrays = [np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.zeros((1, 2, 2), dtype=np.uint8)]
    assert nested_column(arrays).to_pylist() == [array.tolist() for array in arrays]
