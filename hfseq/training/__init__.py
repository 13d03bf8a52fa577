"""Training: settings, the trainer, the run, and its record."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.training.arguments import RunArguments
    from hfseq.training.pushing import push
    from hfseq.training.record import RunRecord
    from hfseq.training.run import run_training
    from hfseq.training.trainer import SequenceTrainer

__all__ = ["RunArguments", "RunRecord", "SequenceTrainer", "push", "run_training"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "RunArguments": ".arguments",
        "RunRecord": ".record",
        "SequenceTrainer": ".trainer",
        "push": ".pushing",
        "run_training": ".run",
    },
)
