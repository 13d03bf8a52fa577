"""What tables of published sets hold beside what is read: objects of no common type."""

import json

import pytest

from hfseq.data.sources import load_source
from hfseq.errors import HfseqError


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_objects_without_a_common_type_are_kept_as_json(tmp_path):
    mixed = [{"text": "a", "slots": {"at": "noon"}}, {"text": "b", "slots": {"at": {"hour": 12}}}, {"text": "c"}]
    write(tmp_path / "train.jsonl", mixed)
    write(tmp_path / "test.jsonl", mixed[:1])
    splits = load_source(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert splits["train"]["slots"][:] == ['{"at": "noon"}', '{"at": {"hour": 12}}', None]
    assert splits["test"]["slots"][:] == ['{"at": "noon"}']


def test_other_mixtures_are_refused(tmp_path):
    write(tmp_path / "a.jsonl", [{"text": "a", "slots": {"at": "noon"}}, {"text": "b", "slots": "noon"}])
    with pytest.raises(HfseqError, match=r"column 'slots' cannot be one type: row 0 holds .* row 1 holds 'noon'"):
        load_source(str(tmp_path / "a.jsonl"), cache_dir=str(tmp_path / "cache"))
