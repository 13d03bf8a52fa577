"""Music as text, and its tokenizer."""

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from hfseq.errors import HfseqError
from hfseq.modalities.music.frames import frames_to_text, music_tokenizer, text_to_frames

# Silence at the start and in the middle, a long note, and a note of two voices.
FRAMES = [[], [48, 64], [48, 67], [], [108], [21, 60, 64]]
EVENTS = "frame note_48 note_64 frame note_48 note_67 frame frame note_108 frame note_21 note_60 note_64 frame"


def test_text_to_frames_inverts_frames_to_text():
    assert frames_to_text(FRAMES) == EVENTS
    assert text_to_frames(EVENTS) == FRAMES
    assert frames_to_text([[64.0, -1, 48, 64]]) == "note_48 note_64 frame"


def test_text_to_frames_reads_generated_text():
    text = "[BOS] note_60 note_48 note_60 frame note_50 [EOS] note_51 frame [PAD]"
    assert text_to_frames(text) == [[48, 60], [50]]
    assert text_to_frames("") == []
    with pytest.raises(HfseqError, match="word 1 of the music is 'note_109'; expected 'frame', or note_21"):
        text_to_frames("frame note_109")


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "the piece has no steps"),
        ([[60], [20]], "the piece, step 1: 20 is not a pitch. Expected MIDI numbers from 21 to 108"),
        ([[60.5]], "step 0: 60.5 is not a pitch"),
        ([[True]], "step 0: True is not a pitch"),
        ([60], "the piece, step 0 is '60', expected a list of pitches"),
        ("CDE", "the piece is 'CDE', expected a list of time steps"),
    ],
)
def test_frames_to_text_rejects_invalid_frames(frames, message):
    with pytest.raises(HfseqError, match=message):
        frames_to_text(frames)


def test_saved_music_tokenizer_loads_unchanged(tmp_path):
    tokenizer = music_tokenizer(model_max_length=12)
    assert len(tokenizer) == 93
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    # It loads without hfseq.
    assert type(loaded) is PreTrainedTokenizerFast and not list(tmp_path.glob("*.py"))
    batch = loaded([EVENTS, "frame note_61"], padding=True)
    assert batch["input_ids"] == tokenizer([EVENTS, "frame note_61"], padding=True)["input_ids"]
    assert batch["input_ids"][1][:6] == [2, 4, 5 + 61 - 21, 3, 0, 0]
    assert loaded.unk_token_id not in batch["input_ids"][0]
    assert text_to_frames(loaded.decode(batch["input_ids"][0])) == FRAMES
    assert loaded.decode(batch["input_ids"][0], skip_special_tokens=True) == EVENTS
    assert len(loaded(EVENTS, truncation=True)["input_ids"]) == 12
