"""Baseline of token classification: the commonest tag of each word."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from hfseq.data.batching.padding import LABEL_FILL as UNTAGGED
from hfseq.data.labels.columns import Columns
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import Baseline, BaselineData, Outputs
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.token_classification.task import TokenClassification

# Length of the longest suffix of unknown words. Only words that occur this often or less tell about unknown words.
_LONGEST_SUFFIX, _RARE = 5, 10


class TagTable:
    """The commonest tag of each word, of each suffix of rare words, and of all words.

    Args:
        sentences (`Iterable[tuple[Sequence[str], Sequence[str]]]`): words and tags of each sentence.
    """

    def __init__(self, sentences: Iterable[tuple[Sequence[str], Sequence[str]]]):
        words: dict[str, Counter[str]] = defaultdict(Counter)
        for sentence, tags in sentences:
            for word, tag in zip(sentence, tags, strict=True):
                words[word][tag] += 1
        total: Counter[str] = Counter()
        suffixes: dict[str, Counter[str]] = defaultdict(Counter)
        for word, tags_of_word in words.items():
            total.update(tags_of_word)
            if tags_of_word.total() <= _RARE:
                for length in range(1, _LONGEST_SUFFIX + 1):
                    suffixes[word[-length:]].update(tags_of_word)
        self.commonest = _first(total)
        self.words = {word: _first(counts) for word, counts in words.items()}
        self.suffixes = {suffix: _first(counts) for suffix, counts in suffixes.items()}

    def __call__(self, word: str) -> str:
        """The tag of a word. An unknown word has that of its longest known suffix."""
        if word in self.words:
            return self.words[word]
        for length in range(_LONGEST_SUFFIX, 0, -1):
            if (tag := self.suffixes.get(word[-length:])) is not None:
                return tag
        return self.commonest

    @property
    def size(self) -> int:
        """Number of tags in the table."""
        return 1 + len(self.words) + len(self.suffixes)


@register_baseline
class CommonestTag(Baseline):
    """The commonest tag of each word in training."""

    name = "commonest_tag"
    trivial = True
    table: TagTable
    tags: tuple[str, ...]

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Token classification."""
        return isinstance(task, TokenClassification)

    @property
    def description(self) -> str:
        """What it predicts."""
        return (
            "the commonest tag of each word in training; unknown words have that of their longest known suffix of up "
            f"to {_LONGEST_SUFFIX} characters, or the commonest tag of all"
        )

    def fit(self, data: BaselineData) -> None:
        """Counts the tags of the training split."""
        assert isinstance(data.task, TokenClassification)  # see `matches`
        self.tags = data.task.tags
        train, columns = data.data.splits["train"], data.data.columns
        self.table = TagTable(zip(train[columns.text], train[str(columns.label)], strict=True))

    def predict(self, data: BaselineData, split: str) -> Outputs:
        """The tag of every word, also of those that models truncate."""
        labels, numbers = data.labels(split), {tag: number for number, tag in enumerate(self.tags)}
        predictions = np.full_like(labels, UNTAGGED)
        for row, words in enumerate(data.data.splits[split][data.data.columns.text]):
            predictions[row, labels[row] != UNTAGGED] = [numbers[self.table(word)] for word in words]
        return Outputs(predictions, labels)

    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The tags of each sentence."""
        sentences = (words.split() if isinstance(words, str) else words for words in rows[columns.text])
        return [Prediction([self.table(word) for word in words]) for words in sentences]

    @property
    def num_parameters(self) -> int:
        """Number of tags in the table."""
        return self.table.size


def _first(counts: Counter[str]) -> str:
    """The commonest tag; of several, the first in the alphabet."""
    most = max(counts.values())
    return min(tag for tag, count in counts.items() if count == most)
