import math

import numpy as np
import pytest
from scipy import stats

from hfseq.comparison.statistics import Sample, compare_pair, compare_pairs, holm, needed_examples, needed_seeds
from hfseq.comparison.statistics.pairs import difference_uncertainty, mcnemar, sign_flip


def means(scores, metric="mse", **options):
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    return Sample(metric, np.stack([scores, np.ones_like(scores)], axis=-1), **options)


def table(both, only_a, only_b, neither):
    """Whether each of two models is right, with these numbers of examples."""
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return np.array(a), np.array(b)


def test_mcnemar_is_exact_for_few_discordant_examples():
    # 2 * (1 + 10 + 45) / 2**10
    assert mcnemar(*table(5, 8, 2, 5)) == (pytest.approx(2 * 56 / 1024), "exact McNemar test")
    assert mcnemar(*table(5, 0, 0, 5))[0] == 1.0


@pytest.mark.parametrize("counts", [(10, 8, 2, 3), (20, 13, 12, 5), (50, 40, 21, 7), (0, 30, 30, 0)])
def test_mcnemar_agrees_with_statsmodels(counts):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    p_value, name = mcnemar(*table(*counts))
    expected = tables.mcnemar(np.reshape(counts, (2, 2)), exact="exact" in name, correction=False)
    assert p_value == pytest.approx(expected.pvalue)


def test_sign_flip_tries_all_changes_for_few_clusters():
    # Only the two extreme assignments of 2**5 are as large.
    assert sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == 2 / 32
    assert sign_flip(np.zeros(5)) == 1.0


@pytest.mark.parametrize("number", [10, 60])
def test_sign_flip_agrees_with_scipy(number):
    differences = np.random.default_rng(number).standard_normal(number) + 0.35
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
    )
    assert sign_flip(differences) == pytest.approx(expected.pvalue, abs=0.01)


def test_sign_flip_is_the_same_each_time_and_does_not_depend_on_the_sign():
    differences = np.random.default_rng(0).standard_normal(50)
    assert sign_flip(differences) == sign_flip(differences) == pytest.approx(sign_flip(-differences))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, math.nan]) == pytest.approx([0.03, 0.06, 0.06, math.nan], nan_ok=True)
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_holm_agrees_with_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(0).random(12) ** 3
    assert holm(p_values.tolist()) == pytest.approx(multitest.multipletests(p_values, method="holm")[1])


def test_interval_of_paired_proportions_by_hand():
    a, b = table(30, 9, 3, 8)
    pair = compare_pair(means(a, "accuracy"), means(b, "accuracy"))
    # 12 discordant examples of 50.
    half = stats.t.ppf(0.975, 49) * math.sqrt((12 / 50 - 0.12**2) / 49)
    assert pair.difference == pytest.approx(6 / 50)
    assert (pair.low, pair.high) == pytest.approx((0.12 - half, 0.12 + half))
    assert pair.test == "exact McNemar test"
    assert (pair.effect_name, pair.effect_size) == (
        "Cohen's h",
        pytest.approx(2 * (math.asin(math.sqrt(39 / 50)) - math.asin(math.sqrt(33 / 50)))),
    )


def test_interval_of_normal_differences_agrees_with_the_paired_t_test():
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal((2, 500))
    pair = compare_pair(means(a, "my_metric"), means(b, "my_metric"))
    expected = stats.ttest_rel(a, b)
    assert (pair.low, pair.high) == pytest.approx(expected.confidence_interval(), abs=0.004)
    assert pair.p_value == pytest.approx(expected.pvalue, abs=0.01)
    assert pair.test == "paired t test"
    assert pair.effect_size == pytest.approx(np.mean(a - b) / np.std(a - b, ddof=1))


def test_models_that_agree_on_few_examples_are_not_equal_without_doubt():
    right = np.arange(30) < 27
    pair = compare_pair(means(right, "accuracy"), means(right, "accuracy"))
    assert pair.p_value == 1.0
    # A difference in 11.6 % of the examples stays unseen in 30 examples with a probability of 2.5 %.
    assert pair.high == -pair.low == pytest.approx(-math.log(0.025) / 30)
    spans = np.tile([2, 2, 2], (1, 30, 1))
    f1 = compare_pair(Sample("f1", spans), Sample("f1", spans))
    assert f1.high == -f1.low > 0.02


@pytest.mark.parametrize(("only_a", "excludes_0"), [(4, False), (5, False), (6, True), (9, True)])
def test_interval_excludes_0_only_if_a_sign_test_could(only_a, excludes_0):
    a, b = table(20, only_a, 0, 10 - only_a)
    pair = compare_pair(means(a, "accuracy"), means(b, "accuracy"))
    assert (pair.low > 0) == (pair.p_value < 0.05) == excludes_0
    mirrored = compare_pair(means(b, "accuracy"), means(a, "accuracy"))
    assert (mirrored.high < 0) == excludes_0


def test_seeds_of_the_models_are_independent_and_examples_are_shared():
    generator = np.random.default_rng(0)
    examples = generator.standard_normal(200)
    effects = np.array([[0.0], [3.0], [6.0]])
    a = means(examples + effects + 0.01 * generator.standard_normal((3, 200)), "my_metric")
    b = means(examples - effects + 0.01 * generator.standard_normal((3, 200)), "my_metric")
    known = difference_uncertainty(a, b)
    assert known.error < 0.01  # the examples are equally difficult for both
    assert [term.variance for term in known.seed_terms] == pytest.approx([3.0, 3.0], rel=0.01)
    pair = compare_pair(a, b)
    # Two equal variances with 2 degrees of freedom each have 4.
    half = stats.t.ppf(0.975, 4) * math.sqrt(6)
    assert (pair.low, pair.high) == pytest.approx((6 - half, 6 + half), rel=0.01)
    assert pair.test == "crossed t test over seeds and examples"


def test_p_value_of_several_seeds_agrees_with_the_interval():
    generator = np.random.default_rng(2)
    for shift in (0.0, 0.2, 0.5):
        a, b = (means(generator.standard_normal((3, 30)) + extra, "my_metric") for extra in (shift, 0.0))
        p_value = compare_pair(a, b).p_value
        edge = compare_pair(a, b, confidence=1 - p_value)
        assert min(abs(edge.low), abs(edge.high)) < 0.01


def test_difference_of_a_trained_and_a_deterministic_model():
    generator = np.random.default_rng(0)
    a = means(generator.standard_normal((3, 50)) + np.array([[1.0], [1.5], [2.0]]), "my_metric")
    b = means(generator.standard_normal((1, 50)), "my_metric", deterministic=True)
    assert len(difference_uncertainty(a, b).seed_terms) == 1
    pair = compare_pair(a, b)
    assert pair.low < pair.difference < pair.high


def test_models_with_different_examples_are_independent():
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal(300), generator.standard_normal(200)
    pair = compare_pair(means(a, "my_metric"), means(b, "my_metric"))
    assert pair.test == "t test of independent examples"
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert pair.p_value == pytest.approx(expected.pvalue, abs=0.02)


def test_difference_of_values_only():
    a, b = (Sample("my_metric", None, known_values=values) for values in ([1.0, 2.0, 3.0], [4.0, 6.0, 8.0]))
    pair = compare_pair(a, b)
    assert pair.test == "t test over seeds"
    expected = stats.ttest_ind([1.0, 2.0, 3.0], [4.0, 6.0, 8.0], equal_var=False)
    assert (pair.low, pair.high) == pytest.approx(expected.confidence_interval())
    assert pair.p_value == pytest.approx(expected.pvalue, rel=1e-3)
    single = compare_pair(Sample("my_metric", None, known_values=[1.0]), b)
    assert math.isnan(single.low) and math.isnan(single.p_value) and single.test == "none"


def test_repeated_splits_are_paired_and_corrected_for_their_overlap():
    """The corrected resampled t test of Nadeau and Bengio (2003) by hand."""
    a, b = np.array([0.8, 0.9, 0.7, 0.8]), np.array([0.7, 0.85, 0.68, 0.75])
    one, other = (Sample("accuracy", None, known_values=values, overlap=0.25) for values in (a, b))
    pair = compare_pair(one, other)
    error = math.sqrt(np.var(a - b, ddof=1) * (1 / 4 + 0.25))
    half = stats.t.ppf(0.975, 3) * error
    assert (pair.low, pair.high) == pytest.approx(((a - b).mean() - half, (a - b).mean() + half))
    assert pair.p_value == pytest.approx(2 * stats.t.sf((a - b).mean() / error, 3), rel=1e-3)
    assert pair.test == "corrected t test over random splits"


def test_compare_pairs_corrects_for_all_pairs():
    generator = np.random.default_rng(0)
    samples = {name: means(generator.standard_normal(20) + shift) for name, shift in (("a", 0), ("b", 0.4), ("c", 2))}
    pairs = compare_pairs(samples)
    assert [(pair.a, pair.b) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [pair.p_adjusted for pair in pairs] == holm([pair.p_value for pair in pairs])


def test_swapping_the_models_changes_the_sign():
    generator = np.random.default_rng(4)
    a, b = (means(generator.random((3, 40)) < 0.7, "accuracy") for _ in range(2))
    one, other = compare_pair(a, b), compare_pair(b, a)
    assert (one.low, one.high, one.p_value) == pytest.approx((-other.high, -other.low, other.p_value), abs=1e-6)


def test_needed_examples_grow_with_the_square_of_the_error():
    a, b = (means(part, "accuracy") for part in table(180, 60, 60, 100))
    needed = needed_examples(a, b, margin=0.01)
    # Standard deviation sqrt(0.3) of the differences; 1.96 standard errors must be below 0.01.
    assert needed == pytest.approx(0.3 * (1.96 / 0.01) ** 2, rel=0.05)
    assert needed % 1000 == 0
    assert needed_examples(a, b, margin=0.02) == pytest.approx(needed / 4, rel=0.05)
    assert needed_seeds(a, b, margin=0.01) is None  # the spread over the seeds is unknown


def test_needed_seeds_if_the_seeds_differ():
    generator = np.random.default_rng(0)
    examples = generator.standard_normal(3000)
    a, b = (means(examples + shift + np.array([[0.0], [0.5], [1.0]]), "my_metric") for shift in (0.3, 0.0))
    assert needed_examples(a, b, margin=0.1) is None  # more examples do not help
    seeds = needed_seeds(a, b, margin=0.1)
    widths = {count: stats.t.ppf(0.975, 2 * count - 2) * math.sqrt(2 * 0.25 / count) for count in (seeds - 1, seeds)}
    assert widths[seeds] <= 0.3 < widths[seeds - 1]
