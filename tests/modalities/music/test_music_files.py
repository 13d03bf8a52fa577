"""Reads and writes MIDI files, and reads folders of MIDI files and JSON files of splits."""

import gzip
import json

import mido
import pytest

from hfseq.errors import HfseqError
from hfseq.modalities.music.files import read_midi_folder, read_music_json
from hfseq.modalities.music.midi import frames_to_midi, midi_to_frames

# Silence at the start and in the middle, a long note, and a note of two voices.
FRAMES = [[], [48, 64], [48, 67], [], [108], [21, 60, 64]]


@pytest.mark.parametrize("restrike", [False, True])
def test_midi_to_frames_inverts_frames_to_midi(tmp_path, restrike):
    path = tmp_path / "piece.mid"
    frames_to_midi(FRAMES, path, steps_per_quarter=2, step_seconds=0.3, program=6, restrike=restrike)
    assert midi_to_frames(path, steps_per_quarter=2) == FRAMES
    file = mido.MidiFile(path)
    assert file.length == pytest.approx(0.3 * len(FRAMES))
    struck = [message.note for message in file.tracks[0] if message.type == "note_on"]
    assert struck.count(48) == (2 if restrike else 1)


def test_midi_to_frames_reads_files_of_other_programs(tmp_path):
    """Notes released by velocity 0 or not at all, between steps, in several tracks, with drums."""
    file = mido.MidiFile(type=1, ticks_per_beat=100)
    played = [
        [("note_on", 60, 90, 3, 0), ("note_on", 60, 0, 45, 0), ("note_on", 62, 90, 50, 0)],
        [
            ("note_on", 40, 90, 100, 1),
            ("note_off", 40, 0, 2, 1),
            ("note_on", 35, 90, 0, 9),
            ("note_off", 35, 0, 400, 9),
        ],
    ]
    for messages in played:
        track = mido.MidiTrack(
            mido.Message(kind, note=note, velocity=velocity, time=time, channel=channel)
            for kind, note, velocity, time, channel in messages
        )
        track.append(mido.MetaMessage("end_of_track", time=100))
        file.tracks.append(track)
    file.save(tmp_path / "piece.mid")
    assert midi_to_frames(tmp_path / "piece.mid", steps_per_quarter=2) == [[60], [], [40, 62], [62]]


def test_midi_to_frames_rejects_invalid_files(tmp_path):
    path = tmp_path / "piece.mid"
    frames_to_midi(FRAMES, path)
    whole = path.read_bytes()
    for broken in (b"", b"RIFF and so on", whole[:-20], whole.replace(b"MThd", b"Mxxx")):
        path.write_bytes(broken)
        with pytest.raises(HfseqError, match=r"piece\.mid cannot be read as a MIDI file: .+\."):
            midi_to_frames(path)
    frames_to_midi([[], []], path)
    with pytest.raises(HfseqError, match=r"piece\.mid has no notes"):
        midi_to_frames(path)
    path.write_bytes(whole.replace(bytes([0x90, 108]), bytes([0x90, 120])))
    with pytest.raises(HfseqError, match=r"piece\.mid, step 4: 120 is not a pitch"):
        midi_to_frames(path)
    mido.MidiFile(type=2).save(path)
    with pytest.raises(HfseqError, match=r"independent patterns \(type 2\)"):
        midi_to_frames(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps_per_quarter": 7}, r"steps_per_quarter \(7\) must be a divisor of 480"),
        ({"step_seconds": 0.0}, r"step_seconds \(0.0\) times steps_per_quarter \(4\) must be above 0"),
        ({"program": 128}, r"program \(128\) must lie between 0 and 127"),
        ({"velocity": 0}, r"velocity \(0\) must lie between 1 and 127"),
    ],
)
def test_frames_to_midi_rejects_invalid_options(tmp_path, options, message):
    with pytest.raises(HfseqError, match=message):
        frames_to_midi(FRAMES, tmp_path / "piece.mid", **options)


def test_read_midi_folder_reads_files_in_order(tmp_path):
    (tmp_path / "more").mkdir()
    frames_to_midi([[50]], tmp_path / "more" / "b.MIDI")
    frames_to_midi([[60], [62]], tmp_path / "a.mid")
    (tmp_path / "notes.txt").write_text("not music")
    assert read_midi_folder(tmp_path).to_dict() == {"file": ["a.mid", "more/b.MIDI"], "frames": [[[60], [62]], [[50]]]}
    (tmp_path / "b.mid").write_bytes(b"MThd")
    with pytest.raises(HfseqError, match=r"b\.mid cannot be read as a MIDI file"):
        read_midi_folder(tmp_path)
    with pytest.raises(HfseqError, match=r"nowhere holds no \.mid or \.midi file"):
        read_midi_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["pieces.json", "pieces.json.gz"])
def test_read_music_json_reads_splits(tmp_path, name):
    content = {"test": [[[60]]], "train": [[[62, 60.0, -1], []], [[64]]], "valid": [[[-1]]]}
    data = json.dumps(content).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    splits = read_music_json(tmp_path / name)
    assert {split: rows["frames"][:] for split, rows in splits.items()} == {
        "train": [[[60, 62], []], [[64]]],
        "validation": [[[]]],
        "test": [[[60]]],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"train": ', "is not valid JSON: Expecting value at line 1"),
        ("[[[60]]]", r'expected \{"train": \[piece, \.\.\.\]'),
        ('{"songs": [[[60]]]}', "'songs' is not a split"),
        ('{"valid": [[[60]]], "dev": [[[60]]]}', "has the validation split twice: 'valid', 'dev'"),
        ('{"train": []}', "'train' holds no pieces"),
        ('{"train": [[[60]], []]}', "train, piece 1 has no steps"),
        ('{"train": [[[60], [60, 109]]]}', "train, piece 0, step 1: 109 is not a pitch"),
    ],
)
def test_read_music_json_rejects_invalid_files(tmp_path, content, message):
    (tmp_path / "pieces.json").write_text(content)
    with pytest.raises(HfseqError, match=r"pieces\.json.*" + message):
        read_music_json(tmp_path / "pieces.json")
