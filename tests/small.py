"""Small data sets and tiny models, for tests that train."""

import csv
import random
from pathlib import Path

import pytest

from hfseq.metrics.sums import metric_from_sums
from hfseq.training.saved_predictions import load_predictions

GOOD = ["lovely", "great", "fine", "sunny", "warm"]
BAD = ["dreadful", "poor", "dull", "rainy", "cold"]
NEUTRAL = ["the", "film", "was", "a", "day", "of", "and", "in", "it", "with"]

# Settings of a model that can be trained in one second.
TINY = {
    "model": "lstm",
    "config_overrides": "hidden_size=8,embedding_size=8,dropout=0.1",
    "max_length": 16,
    "num_train_epochs": 2,
    "learning_rate": 0.02,
    "per_device_train_batch_size": 16,
    "use_cpu": True,
    "disable_tqdm": True,
}

# Beginning of a script in which hfseq cannot be imported, as if it were not installed.
WITHOUT_HFSEQ = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "hfseq":
            raise ModuleNotFoundError("hfseq is not installed here", name=name)

sys.meta_path.insert(0, Blocker())
try:
    import hfseq
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("hfseq can be imported")
"""


def write_csv(path: Path, rows: list[dict]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint from which the run in a folder would resume."""
    from hfseq.training.manifest import Manifest
    from hfseq.training.run_checkpoints import CheckpointKeeper

    manifest = Manifest.load(folder)
    return None if manifest is None else CheckpointKeeper(folder, manifest.run, limit=None).newest_whole()[0]


def make_reviews(count: int, seed: int) -> list[dict]:
    """Rows with a short text and a label, which one word of the text determines."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        label = ("good", "bad")[number % 2]
        words = rng.choices(NEUTRAL, k=rng.randint(2, 10))
        words.insert(rng.randint(0, len(words)), rng.choice(GOOD if label == "good" else BAD))
        rows.append({"text": " ".join([*words, f"n{number % 50}"]), "label": label})
    return rows


def check_saved_sums(record, folder, without=()):
    """Checks that the saved sums of a run give every metric that it reports, but the loss and those in `without`."""
    for split in ("validation", "test"):
        reported = {name: value for name, value in record.metrics[split].items() if name not in ("loss", *without)}
        saved = load_predictions(Path(folder), split)
        given = {name: float(metric_from_sums(name, rows.sum(0))) for name, rows in saved.sums.items()}
        assert given == pytest.approx(reported, rel=1e-5, abs=1e-9)
        assert len(saved.lengths) == record.data["examples"][split]
    return saved
