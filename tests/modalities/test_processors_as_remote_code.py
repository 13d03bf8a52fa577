"""A saved processor of series or DNA loads with and without hfseq, and gives the same there."""

import json
import subprocess
import sys

import numpy as np
from small import WITHOUT_HFSEQ

from hfseq.modalities.dna.tokenizer import DNATokenizer
from hfseq.modalities.series.feature_extractor import SeriesFeatureExtractor

SERIES = [[[0.1, None], [2.0, -7.0]], [[4.0, 5.0]]]
DNA = ["ACGTNACG", "ttgaca"]

LOAD = (
    WITHOUT_HFSEQ
    + """
import json
from transformers import AutoFeatureExtractor, AutoTokenizer

folder, series, dna = sys.argv[1], *map(json.loads, sys.argv[2:])
extractor = AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
for one in (extractor, tokenizer):
    assert type(one).__module__.startswith("transformers_modules"), type(one)
    one.save_pretrained(folder + "/again")
again = AutoTokenizer.from_pretrained(folder + "/again", trust_remote_code=True)
assert again(dna).data == tokenizer(dna).data
features = extractor(series, padding=True)["input_features"]
print(json.dumps([features.tolist(), tokenizer(dna)["input_ids"]]))
"""
)


def test_saved_processors(tmp_path, process_environment):
    folder = tmp_path / "saved"
    extractor = SeriesFeatureExtractor.fit(SERIES, missing="last", add_missing_mask=True, padding_side="left")
    tokenizer = DNATokenizer(k=3, stride=2, add_cls_sep=True, model_max_length=64)
    extractor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert {path.name for path in folder.glob("*.py")} == {
        "feature_batches.py",
        "series.py",
        "series_values.py",
        "dna.py",
    }
    features, ids = extractor(SERIES, padding=True)["input_features"], tokenizer(DNA)["input_ids"]
    loaded = SeriesFeatureExtractor.from_pretrained(folder)
    assert loaded.to_dict() == extractor.to_dict()
    np.testing.assert_array_equal(loaded(SERIES, padding=True)["input_features"], features)
    words = DNATokenizer.from_pretrained(folder)
    assert (words.k, words.stride, words.add_cls_sep, words.model_max_length) == (3, 2, True, 64)
    assert words(DNA)["input_ids"] == ids and len(words) == len(tokenizer)
    process_environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOAD, str(folder), json.dumps(SERIES), json.dumps(DNA)],
        env=process_environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [features.tolist(), ids]
