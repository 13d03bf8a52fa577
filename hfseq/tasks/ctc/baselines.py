"""Baseline of CTC: the commonest transcript."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from hfseq.data.batching.processor_pair import targets_of
from hfseq.data.labels.columns import Columns
from hfseq.registry import register_baseline
from hfseq.tasks.base import LABELS, Task
from hfseq.tasks.baselines import Baseline, BaselineData, Outputs
from hfseq.tasks.ctc.task import CTC
from hfseq.tasks.ctc.texts import decode_labels
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData


@register_baseline
class CommonestTranscript(Baseline):
    """The commonest transcript of the training split, for every recording."""

    name = "commonest_transcript"
    trivial = True
    uses_tokens = True
    tokens: list[int]
    text: str

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """CTC."""
        return isinstance(task, CTC)

    @property
    def description(self) -> str:
        """What it predicts."""
        shown = self.text if len(self.text) <= 40 else f"{self.text[:40]}..."
        return f"always predicts {shown!r}, the commonest transcript in training"

    def fit(self, data: BaselineData) -> None:
        """Counts the transcripts of the training split."""
        counts = Counter(map(tuple, data.encoded["train"][LABELS]))
        self.tokens = list(counts.most_common(1)[0][0])
        self.text = decode_labels(targets_of(data.processor), self.tokens, skip_special_tokens=True)

    def predict(self, data: BaselineData, split: str) -> Outputs:
        """The tokens of the transcript for each recording."""
        labels = data.labels(split)
        predictions = np.tile(np.array(self.tokens, dtype=np.int64), (len(labels), 1))
        return Outputs(predictions, labels, predictions if data.task.generates_text else None)

    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The transcript for each recording."""
        return [Prediction(text=self.text) for _ in rows[columns.text]]

    @property
    def num_parameters(self) -> int:
        """Number of tokens of the transcript."""
        return len(self.tokens)
