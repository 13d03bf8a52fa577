import numpy as np
import pytest
from stub_runs import Stub

from hfseq.comparison.run_result import RunResult
from hfseq.metrics.example_sums import classification_sums
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import SavedPredictions, save_predictions

COSTS = {
    "parameters": 1000,
    "parameters_without_embeddings": 600,
    "trainable_parameters": 1000,
    "train_seconds": 2.0,
    "tokens_per_second": 5000.0,
    "peak_memory_bytes": 400_000_000,
    "size_on_disk_bytes": 2_000_000,
    "epochs": 3.0,
}

MACHINE = {"device": "cpu", "processor": "some processor", "num_threads": 1, "recurrence": "compiled kernel"}


@pytest.fixture
def make_result(tmp_path):
    """Factory of run results without training: writes the record, and the test predictions if `right` is given."""

    def make(
        name,
        seed=0,
        *,
        accuracy=0.5,
        right=None,
        error=None,
        record=True,
        costs=COSTS,
        data=None,
        metrics=None,
        machine=None,
    ):
        folder = tmp_path / name / f"seed-{seed}"
        if right is not None:
            right = np.asarray(right, dtype=bool)
            accuracy = float(right.mean())
            # The label is always 1. The larger logit has index 1 if the prediction is right.
            logits = np.stack([~right, right], axis=1).astype(float)
            labels = np.ones(len(right), dtype=int)
            sums = classification_sums(logits, labels, "single_label_classification")
            saved = SavedPredictions((logits,), (labels,), sums, right.astype(float))
            for split in ("validation", "test"):
                save_predictions(folder, split, saved)
        examples = {"train": 800, "validation": 100, "test": 100 if right is None else len(right)}
        made = RunRecord(
            name=name,
            task="sequence_classification",
            seed=seed,
            config={"model": name, "max_length": 64},
            config_fingerprint="0",
            status="failed" if error else "finished",
            model={"model_type": "hfseq_recurrent"},
            data={
                "dataset": "reviews.csv",
                "description": "reviews.csv: 2 classes",
                "fingerprint": "f",
                "examples": examples,
                "labels": ["neg", "pos"],
                "problem_type": "single_label_classification",
                "max_length": 64,
                "truncated_share": {"train": 0.0, "test": 0.0},
                **(data or {}),
            },
            metrics={
                "test": {"accuracy": accuracy, "f1_macro": accuracy / 2} if metrics is None else metrics,
                "validation": {"accuracy": accuracy + 0.01},
            },
            costs=dict(costs),
            environment={**MACHINE, **(machine or {})},
        )
        return RunResult(name, seed, folder, made if record else None, error)

    return make


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """A cache of data sets that several tests use."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def start(reviews, tmp_path, shared_cache):
    """Plans a comparison of two models in a folder, and applies the budgets with a stub."""
    # Imported here, because they import torch, which other tests of comparisons do not need.
    from hfseq.comparison.budgets.apply import apply_budgets
    from hfseq.comparison.options import ComparisonOptions
    from hfseq.comparison.plan import make_plan

    def start(name="comparison", train=None, models=("lstm", "transformer"), seeds=(0, 1), settings=None, **options):
        folder, given = tmp_path / name, {"use_cpu": True, "max_length": 16, "cache_dir": str(shared_cache)}
        folder.mkdir(exist_ok=True)
        given |= {"dataset": str(reviews), **(settings or {})}
        found = ComparisonOptions(**options)
        plan = make_plan(models, seeds, given, folder, options=found)
        lines = []
        plan, budget = apply_budgets(plan, found, folder, train or Stub(), lines.append)
        return plan, budget, lines

    return start
