"""The modality of music: reading, checks and augmentation."""

import json

import pytest
from datasets import Dataset

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.modalities.music.midi import frames_to_midi
from hfseq.modalities.music.modality import transposed
from hfseq.registry import get_modality

MUSIC = get_modality("music")
FRAMES = Columns("frames")
PIECE = [[60, 64], [], [62]]


def test_transposed_stays_in_the_range_of_a_piano():
    assert transposed(PIECE, 1) == [[[59, 63], [], [61]], PIECE, [[61, 65], [], [63]]]
    assert transposed([[21, 107]], 2) == [[[21, 107]], [[22, 108]]]
    assert transposed([[], []], 3) == [[[], []]]


def test_augment_keeps_the_labels_of_pieces():
    train = Dataset.from_dict({"composer": ["a", "b"], "frames": [[[60]], [[108]]]})
    more = MUSIC.augment(train, FRAMES, DataArguments(transpose=1))
    assert list(more["composer"]) == ["a", "a", "a", "b", "b"]
    assert list(more["frames"]) == [[[59]], [[60]], [[61]], [[107]], [[108]]]
    assert MUSIC.augment(train, FRAMES, DataArguments()) is train


def test_check_sorts_the_pitches_of_each_step():
    rows = Dataset.from_dict({"frames": [[[64.0, 60.0], [-1.0]]]})
    assert list(MUSIC.check(rows, FRAMES, "here")["frames"]) == [[[60, 64], []]]
    with pytest.raises(HfseqError, match="here, row 1, column 'frames', step 0: 20 is not a pitch"):
        MUSIC.check(Dataset.from_dict({"frames": [[[60]], [[20]]]}), FRAMES, "here")


def test_music_reads_files_and_folders(tmp_path):
    collection = tmp_path / "pieces.json"
    collection.write_text(json.dumps({"train": [PIECE], "valid": [PIECE]}))
    table = tmp_path / "table.json"
    table.write_text(json.dumps([{"frames": PIECE}]))
    for split in ("train", "test"):
        (tmp_path / "midi" / split).mkdir(parents=True)
        frames_to_midi(PIECE, tmp_path / "midi" / split / "a.mid")
    for path in (collection, tmp_path / "midi", tmp_path / "midi" / "test" / "a.mid"):
        assert find_modality(DataArguments(dataset=str(path))) is MUSIC
    assert find_modality(DataArguments(dataset=str(table))).name == "text"
    splits = MUSIC.read_path(tmp_path / "midi", DataArguments())
    assert {name: list(split["frames"]) for name, split in splits.items()} == {"train": [PIECE], "test": [PIECE]}
    assert len(MUSIC.read_path(tmp_path / "midi" / "test", DataArguments())["train"]) == 1
    assert list(MUSIC.read_path(collection, DataArguments())) == ["train", "validation"]
    assert MUSIC.read_path(table, DataArguments()) is None


def test_music_classification_data_loads():
    processor = MUSIC.make_processor(Dataset.from_dict({"frames": [PIECE]}), FRAMES, DataArguments())
    encoded = MUSIC.encode_batch({"frames": [PIECE, PIECE * 4]}, FRAMES, processor, DataArguments(max_length=9))
    events = ["[BOS]", "note_60", "note_64", "frame", "frame", "note_62", "frame", "[EOS]"]
    assert encoded["input_ids"][0] == processor.convert_tokens_to_ids(events)
    assert encoded["length"] == [8, 9] and encoded["was_truncated"] == [False, True]
