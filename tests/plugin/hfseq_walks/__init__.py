"""A plug-in of hfseq: a modality, a task, a metric and a recurrent cell, one file each."""

from hfseq_walks import cell, metric, modality, task

__all__ = ["cell", "metric", "modality", "task"]
