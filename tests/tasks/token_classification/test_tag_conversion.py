"""Conversion of span tags to IOB2 or BIOES."""

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from hfseq import RecurrentConfig
from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.metrics import compute_token_metrics
from hfseq.tasks import LossSettings, TokenClassification
from hfseq.tasks.token_classification.data import load_tagged
from hfseq.tasks.token_classification.tag_conversion import convert_to_known_scheme

# The same spans in each scheme: two adjacent spans of the same type, and a span of a single token.
IN_IOB2 = ["B-PER", "I-PER", "I-PER", "B-PER", "O", "B-LOC"]
IN_BIOES = ["B-PER", "I-PER", "E-PER", "S-PER", "O", "S-LOC"]
WRITTEN = {
    "IOB2": IN_IOB2,
    "IOB1": ["I-PER", "I-PER", "I-PER", "B-PER", "O", "I-LOC"],
    "BIOES": IN_BIOES,
    "BILOU": ["B-PER", "I-PER", "L-PER", "U-PER", "O", "U-LOC"],
    "BMES": ["B-PER", "M-PER", "E-PER", "S-PER", "O", "S-LOC"],
    "IOB2, letter last": ["PER-B", "PER-I", "PER-I", "PER-B", "O", "LOC-B"],
    "IOB1, letter last": ["PER-I", "PER-I", "PER-I", "PER-B", "O", "LOC-I"],
    "IOB2, in lower case": ["b-PER", "i-PER", "i-PER", "b-PER", "o", "b-LOC"],
}


def load(tmp_path, *sentences, **settings):
    texts = ["".join(f"w{n}.{k}\t{tag}\n" for k, tag in enumerate(tags)) for n in range(12) for tags in sentences]
    path = tmp_path / "tags.conll"
    path.write_text("\n".join(texts))
    return load_tagged(DataArguments(dataset=str(path), **settings))


def column(data):
    return data.splits["train"][str(data.columns.label)][0]


@pytest.mark.parametrize("name", WRITTEN)
def test_load_converts_tags_with_a_note(tmp_path, name):
    written = WRITTEN[name]
    data = load(tmp_path, written)
    expected = IN_IOB2 if name.startswith("IOB") else IN_BIOES
    assert column(data) == expected and set(data.tags) == set(expected)
    notes = [note for note in data.notes if "converted" in note]
    assert notes == (
        []
        if name in ("IOB2", "BIOES")
        else [
            f"the tags were converted from {name} to {'IOB2' if name.startswith('IOB') else 'BIOES'}; --tag_scheme "
            "keep prevents the conversion"
        ]
    )
    kept = load(tmp_path, written, tag_scheme="keep")
    assert column(kept) == written
    # The metric of spans works with all schemes.
    guess = [[written[4]] * 5 + written[5:]]
    metrics = compute_token_metrics(guess, [written], kept.tags)
    assert (metrics["precision"], metrics["recall"]) == (1, pytest.approx(1 / 3))
    task = TokenClassification(kept.tags)
    assert task.default_metric == "f1" and TokenClassification(data.tags).default_metric == "f1"


@pytest.mark.parametrize(("scheme", "expected"), [("iob2", IN_IOB2), ("bio", IN_IOB2), ("bioes", IN_BIOES)])
@pytest.mark.parametrize("name", WRITTEN)
def test_load_converts_to_requested_scheme(tmp_path, name, scheme, expected):
    assert column(load(tmp_path, WRITTEN[name], tag_scheme=scheme)) == expected


def test_convert_splits_counts_scheme_violations(tmp_path):
    broken = ["O", "I-PER", "O"]
    data = load(tmp_path, *[IN_IOB2] * 3, broken)
    (note,) = [note for note in data.notes if "violate" in note]
    assert note.startswith("12 of 192 tags of spans in split 'train' (6.2 %) violate the scheme IOB2 and were kept;")
    assert "--tag_scheme iob2 repairs them" in note
    repaired = load(tmp_path, *[IN_IOB2] * 3, broken, tag_scheme="iob2")
    (note,) = [note for note in repaired.notes if "violate" in note]
    assert note.endswith("violate the scheme IOB2 and were repaired") and repaired.violations is None
    assert sum(row == ["O", "B-PER", "O"] for split in repaired.splits.values() for row in split["tags"]) == 12


def test_crf_constraints_reject_tags_that_violate_them(tmp_path):
    def task(*sentences, **settings):
        data = load(tmp_path, *sentences, **settings)
        return TokenClassification.from_data(data, DataArguments(), LossSettings())

    config = RecurrentConfig(vocab_size=5, num_labels=4, use_crf=True, crf_constraints="bio")
    message = r"violates crf_constraints 'bio': .* violate IOB2. Add --tag_scheme iob2"
    for wrong in (task(WRITTEN["IOB1"], tag_scheme="keep"), task(*[IN_IOB2] * 3, ["O", "I-PER", "O"])):
        with pytest.raises(HfseqError, match=message):
            wrong.check_config(config)
        wrong.check_config(RecurrentConfig(vocab_size=5, num_labels=4, use_crf=True))
    # If IOB1 is converted, the tags satisfy the constraints.
    task(WRITTEN["IOB1"]).check_config(config)


def test_declared_tag_names_are_converted(tmp_path):
    features = Features(
        {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["o", "b-X", "i-X", "b-Y"]))}
    )
    rows = {"tokens": [["a", f"{n}"] for n in range(20)], "ner_tags": [[1, 2]] * 20}
    Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "saved")
    data = load_tagged(DataArguments(dataset=str(tmp_path / "saved")))
    assert data.tags == ("O", "B-X", "I-X", "B-Y") and column(data) == ["B-X", "I-X"]
    ends = load_tagged(DataArguments(dataset=str(tmp_path / "saved"), tag_scheme="bioes"))
    assert set(ends.tags) == {"B-X", "E-X"} and column(ends) == ["B-X", "E-X"]


def test_tags_without_spans_are_not_converted(tmp_path):
    assert column(load(tmp_path, ["NOUN", "VERB"])) == ["NOUN", "VERB"]
    with pytest.raises(
        HfseqError, match=r"tag_scheme 'bioes' is for tags of spans .* has 'NOUN', 'VERB'. Leave it out"
    ):
        load(tmp_path, ["NOUN", "VERB"], tag_scheme="bioes")
    with pytest.raises(HfseqError, match="tag_scheme 'iob' is not known"):
        DataArguments(tag_scheme="iob")


@pytest.mark.parametrize("name", WRITTEN)
def test_evaluation_file_is_converted_to_scheme_of_model(name):
    rows = Dataset.from_dict({"tokens": [list("abcdef")], "tags": [WRITTEN[name]]})
    for known, expected in ((tuple(sorted({*IN_IOB2, "I-LOC"})), IN_IOB2), (tuple(sorted(set(IN_BIOES))), IN_BIOES)):
        data = TokenClassification(known).read_split(rows, DataArguments(), "here")
        assert data.splits["test"]["tags"][0] == expected
    assert convert_to_known_scheme(rows, "tags", ("NOUN", "VERB")) is rows


def test_small_split_has_scheme_of_training_split(tmp_path):
    for split, tags in (("train", "O B-X I-X"), ("dev", "O I-X I-X"), ("test", "O I-X I-X")):
        lines = "\n".join(f"{split}{n}\t{tag}" for n, tag in enumerate(tags.split()))
        (tmp_path / f"{split}.conll").write_text((lines + "\n\n") * (9 if split == "test" else 1))
    data = load_tagged(DataArguments(dataset=str(tmp_path)))
    # One violation is reported; nine violations show that the file is in IOB1.
    assert data.splits["validation"]["tags"][:] == [["O", "I-X", "I-X"]]
    assert data.splits["test"]["tags"][:] == [["O", "B-X", "I-X"]] * 9
    assert any("1 of 2 tags of spans in split 'validation' (50.0 %) violate the scheme IOB2" in n for n in data.notes)
    assert any("converted from IOB1 to IOB2" in note for note in data.notes)
