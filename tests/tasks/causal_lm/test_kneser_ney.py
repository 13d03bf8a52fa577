"""Kneser-Ney models against hand-worked numbers and a slow reference."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from hfseq.tasks.causal_lm.kneser_ney import NgramCounts, estimate_discounts


def probabilities(model, context, vocabulary):
    """The distribution of the next token after a context."""
    rows = [np.array([*context, token]) for token in range(vocabulary)]
    scores, best = model(rows)
    last = np.cumsum([len(row) for row in rows]) - 1
    return np.exp(scores[last]), set(best[last])


def test_bigrams_match_a_worked_example():
    # Bigrams: (0, 1) twice, (1, 0) twice, (0, 2) once. Each token follows one different token, so that all lower-order
    # probabilities are (1 - 0.5) / 3 + 0.5 / 3 = 1/3.
    model = NgramCounts([np.array([0, 1, 0, 1, 0, 2])], 3, 2).model(2)
    after_0, best = probabilities(model, [0], 3)
    # Discounts 1 for the count 2, and 0.5 for the count 1; the sum 1.5 of 3 goes to the lower order.
    assert after_0 == pytest.approx([0.5 / 3, 1 / 3 + 0.5 / 3, 0.5 / 3 + 0.5 / 3])
    assert best == {1}
    # No token follows 2 in training: the lower order alone.
    assert probabilities(model, [2], 3)[0] == pytest.approx([1 / 3] * 3)


def test_discounts_follow_the_formula():
    counts = np.array([1] * 10 + [2] * 4 + [3] * 3 + [4] * 2 + [9])
    share = 10 / 18
    assert estimate_discounts(counts) == pytest.approx((1 - 0.8 * share, 2 - 2.25 * share, 3 - 8 / 3 * share))
    assert estimate_discounts(np.array([1, 1, 2])) == (0.5, 1.0, 1.5)
    # 2 - 3 * 0.83 * 9 / 1 is negative.
    assert estimate_discounts(np.array([1] * 10 + [2] + [3] * 9 + [4])) == (0.5, 1.0, 1.5)


def slow_model(rows, vocabulary, order):
    """The definition by recursion over dictionaries of counts."""
    grams = [defaultdict(Counter) for _ in range(order + 1)]  # by length: context -> token -> count
    left = [defaultdict(set) for _ in range(order + 1)]
    for row in rows:
        row = [int(token) for token in row]
        for end in range(1, len(row)):
            for length in range(1, min(order, end + 1) + 1):
                gram = tuple(row[end - length + 1 : end + 1])
                grams[length][gram[:-1]][gram[-1]] += 1
                if length > 1:
                    left[length - 1][gram[1:]].add(gram[0])
    counts = list(grams)
    for length in range(1, order):
        counts[length] = defaultdict(Counter)
        for gram, tokens in left[length].items():
            counts[length][gram[:-1]][gram[-1]] = len(tokens)
    discounts = [
        estimate_discounts(np.array([n for table in counts[length].values() for n in table.values()]))
        if length
        else None
        for length in range(order + 1)
    ]

    def probability(context, token):
        length = len(context) + 1
        below = probability(context[1:], token) if context else 1 / vocabulary
        table = counts[length].get(context)
        if not table:
            return below
        discount = {word: discounts[length][min(count, 3) - 1] for word, count in table.items()}
        total = sum(table.values())
        return (table[token] - discount.get(token, 0)) / total + sum(discount.values()) / total * below

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_match_the_slow_model_and_sum_to_one(order):
    rng = np.random.default_rng(order)
    vocabulary = 7
    # A token depends on the one before it; token 6 does not occur.
    rows = []
    for length in (60, 3, 1, 45, 80, 2, 70):
        row = [int(rng.integers(6))]
        while len(row) < length:
            row.append(int((row[-1] * 2 + rng.choice([0, 0, 0, 1, 2])) % 6))
        rows.append(np.array(row))
    counts = NgramCounts(rows, vocabulary, 4)
    model, slow = counts.model(order), slow_model(rows, vocabulary, order)
    assert model.order == order
    for context in ([], [0], [6], [1, 2], [3, 0, 1], [5, 5, 5], [2, 4, 2], [1, 6, 2]):
        wanted = [slow(tuple(context[max(len(context) - order + 1, 0) :]), token) for token in range(vocabulary)]
        assert sum(wanted) == pytest.approx(1)
        if context:
            found, best = probabilities(model, context, vocabulary)
            assert found == pytest.approx(wanted)
            assert all(wanted[token] == pytest.approx(max(wanted)) for token in best)
