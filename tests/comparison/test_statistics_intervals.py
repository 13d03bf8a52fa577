import math

import numpy as np
import pytest
from scipy import stats

from hfseq.comparison.statistics import Sample, metric_interval
from hfseq.comparison.statistics.intervals import mean_error, sample_uncertainty, seed_terms
from hfseq.errors import HfseqError
from hfseq.metrics.ranges import metric_range
from hfseq.metrics.sums import metric_from_sums


def means(scores, metric="mse", **options):
    """A sample of a metric that is the mean of the scores, `(seeds, examples)`."""
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    return Sample(metric, np.stack([scores, np.ones_like(scores)], axis=-1), **options)


def test_sample_of_a_mean_has_the_scores_as_pseudo_values():
    sample = means([[1.0, 2.0, 6.0], [3.0, 2.0, 7.0]])
    assert sample.values == pytest.approx([3.0, 4.0])
    assert sample.estimate == 3.5
    assert sample.scores == pytest.approx(np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 7.0]]))


def test_sample_adds_the_sums_of_a_cluster():
    sums = np.array([[[1, 1], [0, 1], [5, 1], [2, 1]]])
    sample = Sample("mse", sums, np.array([7, 3, 7, 3]))
    assert sample.clusters.tolist() == [[[2, 2], [6, 2]]]
    assert sample.values == [2.0]
    # One example per cluster: the order of the clusters is that of their ids, for every model.
    single = Sample("mse", sums, np.array([3, 2, 1, 0]))
    assert single.clusters.tolist() == [[[2, 1], [5, 1], [0, 1], [1, 1]]]


def test_pseudo_values_of_a_ratio_are_those_of_the_jackknife():
    sums = np.random.default_rng(0).uniform(1, 5, (2, 9, 2))
    sample = Sample("wer", sums)
    for seed in range(2):
        for cluster in range(9):
            rest = np.delete(sums[seed], cluster, axis=0).sum(0)
            expected = 9 * sample.values[seed] - 8 * rest[0] / rest[1]
            assert sample.scores[seed, cluster] == pytest.approx(expected)


def test_cluster_without_which_a_metric_is_undefined_has_no_influence():
    sums = np.zeros((1, 3, 3))
    sums[0, 0] = [1, 1, 1]  # the only example with a span
    assert Sample("f1", sums).scores[0, 0] == 1.0


@pytest.mark.parametrize(
    ("sums", "groups", "words"),
    [(None, None, "sums"), (np.zeros((3, 2)), None, "shape"), (np.zeros((1, 3, 2)), np.zeros(2), "groups")],
)
def test_sample_rejects_wrong_shapes(sums, groups, words):
    with pytest.raises(HfseqError, match=words):
        Sample("accuracy", sums, groups)


def test_interval_of_a_mean_without_skewness_is_students():
    scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    interval = metric_interval(means(scores))
    half = stats.t.ppf(0.975, 4) * math.sqrt(2.5 / 5)
    assert (interval.low, interval.high) == pytest.approx((3 - half, 3 + half))
    assert interval.method == "5 examples, this trained model only"


def test_interval_of_a_proportion_is_wilsons():
    right = np.arange(50) < 40
    interval = metric_interval(means(right, "accuracy"))
    p, n, t = 0.8, 50, stats.t.ppf(0.975, 49)
    root = t * math.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    expected = [(p + t**2 / (2 * n) + sign * root) / (1 + t**2 / n) for sign in (-1, 1)]
    assert [interval.low, interval.high] == pytest.approx(expected)


def test_interval_of_a_proportion_agrees_with_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for count in (0, 3, 250, 499, 500):
        interval = metric_interval(means(np.arange(500) < count, "accuracy"))
        assert (interval.low, interval.high) == pytest.approx(
            proportion.proportion_confint(count, 500, method="wilson"), abs=2e-4
        )


def test_interval_of_a_perfect_score_is_not_a_point():
    interval = metric_interval(means(np.ones((3, 30)), "accuracy"))
    assert interval.high == 1.0
    assert 0.8 < interval.low < 0.95


def test_interval_corrects_skewness():
    scores = np.random.default_rng(0).standard_normal(40) ** 2
    interval = metric_interval(means(scores))
    # More mass above: the upper half is longer, as in the bootstrap-t interval of Hall.
    assert interval.high - interval.estimate > 1.3 * (interval.estimate - interval.low)
    error, skewness = mean_error(scores)
    assert error == pytest.approx(stats.sem(scores))
    assert skewness == pytest.approx(stats.skew(scores) / math.sqrt(40))


def test_variance_over_seeds_and_examples_agrees_with_the_analysis_of_variance():
    """Hand-worked two-way layout of 2 seeds and 3 examples."""
    scores = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 7.0]])
    sample = means(scores)
    # Means of the seeds 3 and 4, of the examples 2, 2 and 6.5. Residuals -.5, .5, 0 and .5, -.5, 0: mean square 1 / 2.
    assert sample.interaction_variance == pytest.approx(0.5)
    (term,) = seed_terms(sample)
    assert (term.variance, term.seeds) == (pytest.approx((0.5 - 0.5 / 3) / 2), 2)
    uncertainty = sample_uncertainty(sample)
    assert uncertainty.error == pytest.approx(math.sqrt(6.75 / 3))
    # (MS_seeds + MS_examples - MS_interaction) / (seeds * examples)
    total = uncertainty.error**2 + term.variance
    assert total == pytest.approx((1.5 + 13.5 - 0.5) / 6)


def test_mean_squares_agree_with_statsmodels():
    smf = pytest.importorskip("statsmodels.formula.api")
    import pandas as pd
    from statsmodels.stats.anova import anova_lm

    scores = np.random.default_rng(1).standard_normal((4, 12)) + np.arange(12)
    seeds, examples = np.indices(scores.shape)
    frame = pd.DataFrame({"y": scores.ravel(), "seed": seeds.ravel(), "example": examples.ravel()})
    table = anova_lm(smf.ols("y ~ C(seed) + C(example)", frame).fit())
    squares = table["mean_sq"]
    sample = means(scores)
    assert sample.interaction_variance == pytest.approx(squares["Residual"])
    assert sample_uncertainty(sample).error ** 2 == pytest.approx(squares["C(example)"] / 48)
    expected = (squares["C(seed)"] - squares["Residual"]) / 48
    assert seed_terms(sample)[0].variance == pytest.approx(expected)


def test_seeds_without_an_effect_of_their_own_add_nothing():
    assert sample_uncertainty(means([[1.0, 2.0], [2.0, 1.0]])).seed_half_width(0.95) == 0.0
    assert seed_terms(means([[1.0, 2.0], [5.0, 6.0]], deterministic=True)) == ()


def test_interval_with_values_only_is_students_over_the_seeds():
    interval = metric_interval(Sample("my_metric", None, known_values=[2.0, 3.0, 4.0]))
    half = stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert (interval.low, interval.high) == pytest.approx((3 - half, 3 + half))
    assert interval.method == "3 seeds"
    assert metric_interval(Sample("my_metric", None, known_values=[2.0])) is None


def test_interval_is_unknown_for_one_example_and_for_an_undefined_metric():
    assert metric_interval(means([[1.0]])) is None
    assert metric_interval(Sample("pearson", np.ones((2, 5, 6)))) is None


def test_clusters_widen_the_interval():
    right = np.repeat(np.arange(40) % 4 > 0, 25).astype(float)
    rows = metric_interval(means(right, "accuracy"))
    clusters = metric_interval(means(right, "accuracy", groups=np.repeat(np.arange(40), 25)))
    assert clusters.high - clusters.low > 4 * (rows.high - rows.low)
    assert clusters.method.startswith("40 clusters")


def bootstrap_error(metric, sums, draws=3000):
    """Standard error of a metric by drawing the examples again: the slow reference."""
    generator = np.random.default_rng(0)
    weights = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), draws)
    return metric_from_sums(metric, weights @ sums).std(ddof=1)


@pytest.mark.parametrize("metric", ["f1_macro", "f1", "bleu", "pearson", "perplexity", "rmse"])
def test_error_over_examples_agrees_with_the_bootstrap(metric):
    generator = np.random.default_rng(3)
    number = 400
    if metric == "f1_macro":
        true, guess = generator.integers(0, 3, (2, number))
        guess = np.where(generator.random(number) < 0.7, true, guess)
        rows = [np.eye(3)[true] * np.eye(3)[guess], np.eye(3)[guess], np.eye(3)[true]]
        sums = np.concatenate([np.zeros((number, 1)), *rows], axis=1)
    elif metric == "f1":
        sums = generator.poisson([2.0, 3.0, 2.8], (number, 3))
    elif metric == "bleu":
        total = generator.integers(8, 30, (number, 1)) - np.arange(4)
        sums = np.concatenate(
            [total[:, :1] + [[0, 2]], generator.binomial(total, [0.7, 0.5, 0.4, 0.3]), total], axis=1
        )
    elif metric == "pearson":
        x = generator.standard_normal(number)
        y = 0.6 * x + 0.8 * generator.standard_normal(number)
        sums = np.stack([x, y, x * x, y * y, x * y, np.ones(number)], axis=1)
    else:
        sums = np.stack([generator.gamma(2.0, 1.0, number), np.ones(number)], axis=1)
    error = sample_uncertainty(Sample(metric, sums[None])).error
    assert error == pytest.approx(bootstrap_error(metric, sums), rel=0.07)


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_of_normal_scores_cover_the_truth(seeds):
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(600):
        examples, interaction = generator.standard_normal(40), generator.standard_normal((seeds, 40))
        effects = generator.standard_normal((seeds, 1)) * 0.2
        truth = 10.0 + (effects[0, 0] if seeds == 1 else 0.0)
        interval = metric_interval(means(10 + examples + interaction / 2 + effects))
        covered += interval.low <= truth <= interval.high
    assert 0.93 <= covered / 600 <= 0.975


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", (0, 1)),
        ("f1_weighted", (0, 1)),
        ("roc_auc", (0, 1)),
        ("cer", (0, 1)),
        ("chrf", (0, 100)),
        ("pearson", (-1, 1)),
        ("r2", (-math.inf, 1)),
        ("mse", (0, math.inf)),
        ("perplexity", (0, math.inf)),
        ("nll_per_frame", (-math.inf, math.inf)),
        ("a_metric_of_the_user", (-math.inf, math.inf)),
    ],
)
def test_metric_range(metric, expected):
    assert metric_range(metric) == expected
