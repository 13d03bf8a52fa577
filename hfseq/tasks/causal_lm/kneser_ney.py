"""Interpolated Kneser-Ney n-gram models with modified discounts (Chen & Goodman 1999).

N-grams have numbers: that of an n-gram follows from the number of its first n - 1 tokens and its last token. All
counts and probabilities are arrays by these numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Discounts of n-grams with the counts 1, 2, and 3 or more, if too few n-grams have counts up to 4 to estimate them.
_FALLBACK = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class _Grams:
    """The n-grams of one order in the training rows.

    Attributes:
        keys (`np.ndarray`): sorted; number of the first n - 1 tokens times the vocabulary size, plus the last token.
        count (`np.ndarray`): number of occurrences as a prediction.
        suffix (`np.ndarray`): number of the last n - 1 tokens as an n-gram of the next lower order.
    """

    keys: np.ndarray
    count: np.ndarray
    suffix: np.ndarray


@dataclass(frozen=True)
class _Order:
    """What predictions need of one order.

    Attributes:
        keys (`np.ndarray`): as in [`_Grams`].
        probability (`np.ndarray`): probability of the last token of each n-gram, given the others.
        backoff (`np.ndarray`): by context, the share of the probability that goes to the lower order.
        best (`np.ndarray`): by context, the most probable token.
        highest (`np.ndarray`): by context, the probability of that token.
    """

    keys: np.ndarray
    probability: np.ndarray
    backoff: np.ndarray
    best: np.ndarray
    highest: np.ndarray


class NgramCounts:
    """Counts of the n-grams of rows of tokens. Each token but the first of a row is predicted from those before it.

    Args:
        rows (`Sequence[np.ndarray]`): rows of token ids.
        vocabulary (`int`): number of tokens.
        max_order (`int`): largest n.
    """

    def __init__(self, rows: Sequence[np.ndarray], vocabulary: int, max_order: int):
        self.vocabulary = vocabulary
        self.orders: list[_Grams] = []
        tokens, position = _joined(rows)
        numbers = np.zeros(len(tokens), dtype=np.int64)  # of the n-gram of the previous order that ends at each token
        for order in range(1, max_order + 1):
            ends = np.flatnonzero(position >= order - 1)
            if not len(ends):
                break
            before = np.zeros(len(ends), dtype=np.int64) if order == 1 else numbers[ends - 1]
            keys, first, found = np.unique(before * vocabulary + tokens[ends], return_index=True, return_inverse=True)
            count = np.bincount(found, position[ends] > 0, minlength=len(keys)).astype(np.int64)
            # For the first order, the suffix is the empty context.
            self.orders.append(_Grams(keys, count, numbers[ends[first]]))
            numbers[ends] = found

    def model(self, order: int) -> "KneserNey":
        """The model of an order.

        Args:
            order (`int`): n, at most `max_order`.
        """
        orders: list[_Order] = []
        for number, grams in enumerate(self.orders[:order]):
            if number + 1 < min(order, len(self.orders)):
                # Lower orders count in how many different contexts a token occurs.
                count = np.bincount(self.orders[number + 1].suffix, minlength=len(grams.keys))
            else:
                count = grams.count
            contexts = 1 if number == 0 else len(self.orders[number - 1].keys)
            context_suffix = None if number == 0 else self.orders[number - 1].suffix
            orders.append(_estimate(grams, count, contexts, context_suffix, orders, self.vocabulary))
        return KneserNey(orders, self.vocabulary)


class KneserNey:
    """An n-gram model. It is made by [`NgramCounts.model`].

    Args:
        orders (`list[_Order]`): the probabilities of each order, from 1 to n.
        vocabulary (`int`): number of tokens.
    """

    def __init__(self, orders: list[_Order], vocabulary: int):
        self.orders = orders
        self.vocabulary = vocabulary

    @property
    def order(self) -> int:
        """n."""
        return len(self.orders)

    @property
    def num_parameters(self) -> int:
        """Number of probabilities and back-off weights."""
        return sum(item.probability.size + item.backoff.size for item in self.orders)

    def __call__(self, rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Scores rows of tokens.

        Args:
            rows (`Sequence[np.ndarray]`): rows of token ids.

        Returns:
            `tuple[np.ndarray, np.ndarray]`: for each token of all rows, one after the other: its log-probability given
                the tokens before it in its row, and the most probable token. Those of the first token of a row have no
                meaning.
        """
        tokens, position = _joined(rows)
        probability = np.full(len(tokens), 1 / self.vocabulary)
        best = np.zeros(len(tokens), dtype=np.int64)
        before = np.zeros(len(tokens), dtype=np.int64)  # number of the context of each token, -1 if it is unknown
        for number, item in enumerate(self.orders):
            usable = (before >= 0) & (position >= number)
            keys = before[usable] * self.vocabulary + tokens[usable]
            place = np.minimum(np.searchsorted(item.keys, keys), len(item.keys) - 1)
            known = item.keys[place] == keys
            probability[usable] = np.where(
                known, item.probability[place], item.backoff[before[usable]] * probability[usable]
            )
            best[usable] = item.best[before[usable]]
            numbers = np.full(len(tokens), -1, dtype=np.int64)
            numbers[usable] = np.where(known, place, -1)
            before = np.concatenate([[-1], numbers[:-1]])  # the context of the next order ends at the token before
        return np.log(probability), best


def _estimate(
    grams: _Grams,
    count: np.ndarray,
    contexts: int,
    context_suffix: np.ndarray | None,
    lower: Sequence[_Order],
    vocabulary: int,
) -> _Order:
    """The probabilities of one order, from its counts and the next lower order."""
    context, token = np.divmod(grams.keys, vocabulary)
    total = np.bincount(context, count, minlength=contexts)  # (contexts,)
    discounts = np.array([0.0, *estimate_discounts(count)])[np.minimum(count, 3)]  # (grams,)
    removed = np.bincount(context, discounts, minlength=contexts)  # (contexts,)
    # A context that no token follows leaves all to the lower order.
    backoff = np.where(total > 0, removed / np.maximum(total, 1), 1.0)
    below = lower[-1].probability[grams.suffix] if lower else np.full(len(count), 1 / vocabulary)
    probability = (count - discounts) / np.maximum(total[context], 1) + backoff[context] * below
    # The most probable token followed the context in training, or is the most probable one of the lower order.
    best, highest = np.zeros(contexts, dtype=np.int64), np.full(contexts, -1.0)
    ascending = np.argsort(probability, kind="stable")
    best[context[ascending]], highest[context[ascending]] = token[ascending], probability[ascending]
    if lower:
        assert context_suffix is not None  # there is a lower order
        other = backoff * lower[-1].highest[context_suffix]  # (contexts,)
        best = np.where(other > highest, lower[-1].best[context_suffix], best)
        highest = np.maximum(other, highest)
    return _Order(grams.keys, probability, backoff, best, highest)


def estimate_discounts(count: np.ndarray) -> tuple[float, float, float]:
    """The discounts of n-grams with the counts 1, 2, and 3 or more (Chen & Goodman 1999, equation 26).

    Args:
        count (`np.ndarray`): counts of the n-grams of one order.

    Returns:
        `tuple[float, float, float]`: 0.5, 1 and 1.5 if no n-gram has one of the counts 1 to 4, or the formula gives a
            discount that is not positive.
    """
    one, two, three, four = (int((count == number).sum()) for number in (1, 2, 3, 4))
    if not (one and two and three and four):
        return _FALLBACK
    share = one / (one + 2 * two)
    found = (1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three)
    # A discount of 0 would leave no probability for tokens that did not follow a context.
    return found if all(value > 0 for value in found) else _FALLBACK


def _joined(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All tokens, and the position of each in its row."""
    tokens = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    position = np.concatenate([np.arange(len(row)) for row in rows])
    return tokens, position
