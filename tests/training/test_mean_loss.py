"""The loss that an evaluation reports."""

import math

import pytest
import torch
from small import TINY
from transformers import set_seed

from hfseq.training import run as run_module
from hfseq.training.mean_loss import MeanLoss
from hfseq.training.preparation import load_data, prepare
from hfseq.training.settings import parse_mapping, resolve

# Words of each sentence.
TAGGED = (1, 1, 2, 9, 5, 3, 1, 8, 4, 2, 7)


def test_batches_count_by_their_items():
    mean = MeanLoss()
    assert mean.gathered() is None
    for loss, items in ((1.0, 3), (5.0, 1), (float("inf"), 2), (float("nan"), 0)):
        mean.add(torch.tensor(loss), torch.tensor(items))
    assert mean.gathered() == 2
    mean.skip_infinite = False
    assert math.isinf(mean.gathered())


def test_the_loss_does_not_depend_on_the_batch_size(tmp_path):
    """Sentences of one to nine words: the means of batches of four are not those of batches of seven."""
    for split in ("train", "dev", "test"):
        sentences = ["\n".join(f"w{word % 3}\t{'O' if word % 2 else 'X'}" for word in range(size)) for size in TAGGED]
        (tmp_path / f"{split}.conll").write_text("\n\n".join(sentences))
    settings = {**TINY, "dataset": str(tmp_path), "task": "token_classification", "output_dir": str(tmp_path / "run")}
    arguments = resolve(parse_mapping(settings, where="test"))
    set_seed(0)
    prepared = prepare(arguments, load_data(arguments.data))
    trainer = run_module.make_trainer(arguments, prepared)
    losses = []
    for size in (4, 7, len(TAGGED)):
        trainer.args.per_device_eval_batch_size = size
        losses.append(trainer.evaluate(prepared.splits["validation"])["eval_loss"])
        assert trainer.predict(prepared.splits["validation"]).metrics["test_loss"] == losses[-1]
    assert losses == pytest.approx([losses[-1]] * 3, rel=1e-5)
