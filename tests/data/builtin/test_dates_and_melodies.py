"""The synthetic built-in data sets of dates and melodies."""

import datetime
import random

from hfseq.data.builtin import dates, describe_builtin, load_builtin
from hfseq.modalities.music.frames import frames_to_text, music_tokenizer, text_to_frames

SCALES = {frozenset((key + note) % 12 for note in (0, 2, 4, 5, 7, 9, 11)) for key in range(12)}


def test_melodies_follow_their_rules():
    splits = load_builtin("melodies")
    assert splits.num_rows == {"train": 300, "validation": 50, "test": 50}
    pieces = [piece for split in splits.values() for piece in split["frames"]]
    assert {len(piece) for piece in pieces} == {16, 32, 48}
    assert {len(step) for piece in pieces for step in piece} == {2, 3, 4}
    assert len({str(piece) for piece in pieces}) == len(pieces)
    for piece in pieces:
        heard = {pitch % 12 for step in piece for pitch in step}
        # A natural minor scale has the same notes as a major scale.
        assert any(heard <= scale for scale in SCALES)
        # The last step has the tonic in the bass and in the melody.
        assert piece[-1][0] % 12 == piece[-1][-1] % 12
    text = frames_to_text(pieces[0])
    assert text_to_frames(text) == pieces[0]
    assert music_tokenizer().unk_token_id not in music_tokenizer()(text)["input_ids"]
    assert load_builtin("melodies")["test"]["frames"][:] == splits["test"]["frames"][:]
    assert "synthetic" in describe_builtin("melodies")


def test_dates_are_distinct_and_not_ambiguous():
    splits = load_builtin("dates")
    assert splits.num_rows == {"train": 8000, "validation": 500, "test": 500}
    targets = [target for split in splits.values() for target in split["target"]]
    assert len(set(targets)) == len(targets)
    assert all(datetime.date.fromisoformat(target).isoformat() == target for target in targets)
    sources = [source for split in splits.values() for source in split["source"]]
    assert len({source.lower() for source in sources}) == len(sources)
    for source, target in zip(sources, targets, strict=True):
        parts = source.split("/")
        if len(parts) == 3:
            # Day and month are never ambiguous.
            assert len(parts[0]) == 4 or sorted(int(part) > 12 for part in parts) == [False, True, True]
        assert target[:4] in source or " hundred" in source.lower() or not any(map(str.isdigit, source[-4:]))
    assert load_builtin("dates")["test"].to_dict() == splits["test"].to_dict()
    assert describe_builtin("dates") == "builtin:dates, synthetic dates from 1900 to 2099 in 21 styles"


def test_dates_in_all_styles():
    assert [style(datetime.date(1997, 3, 3)) for style in dates.STYLES] == [
        "3 March 1997", "March 3, 1997", "the 3rd of March 1997", "March the 3rd, 1997", "3rd Mar 1997",
        "Mar. 3rd, 1997", "03-Mar-1997", "03Mar1997", "1997, March 3", "1997 Mar 03", "Monday, 3 March 1997",
        "Mon Mar 3 1997", "Monday, March 3rd, 1997", "3. III. 1997", "19970303", "1997.3.3", "1997/3/3", "1997/3/3",
        "the third of March 1997", "the third of March, nineteen ninety-seven", "March third, nineteen ninety-seven",
    ]  # fmt: skip


def test_dates_write_numbers_in_words():
    dates_in_words = {
        (2000, 12): "the twelfth of May, two thousand",
        (2008, 20): "the twentieth of May, two thousand and eight",
        (2012, 21): "the twenty-first of May, twenty twelve",
        (1900, 30): "the thirtieth of May, nineteen hundred",
        (1905, 9): "the ninth of May, nineteen oh five",
        (2040, 14): "the fourteenth of May, twenty forty",
    }
    for (year, day), text in dates_in_words.items():
        assert dates.STYLES[-2](datetime.date(year, 5, day)) == text
    days = [datetime.date(2001, 1, day) for day in (1, 2, 3, 11, 12, 13, 21, 22, 23, 30)]
    numbers = [dates.STYLES[2](day).split()[1] for day in days]
    assert numbers == ["1st", "2nd", "3rd", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th"]
    assert dates.STYLES[-4](datetime.date(1997, 3, 25)) == "3/25/1997"
    written = {dates.write_date(datetime.date(1997, 3, 3), random.Random(seed)) for seed in range(50)}
    assert {"the third of March 1997", "3RD MAR 1997", "monday, 3 march 1997"} & written and len(written) > 20
