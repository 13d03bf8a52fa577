import numpy as np
import pytest

from hfseq.comparison.statistics import Sample, compare_pair, rank_models, select
from hfseq.comparison.statistics.data_sets import friedman
from hfseq.comparison.statistics.selection import confidence_set_p_values
from hfseq.errors import HfseqError

# Demsar (2006), table 6: AUC of four versions of C4.5 on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
SCORES = {f"data {row}": dict(zip(NAMES, values, strict=True)) for row, values in enumerate(DEMSAR.tolist())}


def means(scores, metric="accuracy", **options):
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    return Sample(metric, np.stack([scores, np.ones_like(scores)], axis=-1), **options)


def test_select_of_one_model():
    selection = select({"lstm": means(np.arange(10) < 8)}, 0.01, True)
    assert (selection.best, selection.not_worse, selection.confidence_set) == ("lstm", ("lstm",), ("lstm",))
    assert selection.bounds == {"lstm": 0.0}


def test_bound_of_two_models_is_the_limit_of_their_interval():
    generator = np.random.default_rng(0)
    samples = {name: means(generator.random(400) < share) for name, share in (("a", 0.8), ("b", 0.75))}
    selection = select(samples, 0.01, True)
    pair = compare_pair(samples["a"], samples["b"], 0.9)  # one-sided limits of 95 %
    assert selection.bounds == pytest.approx({"b": pair.high, "a": max(0.0, -pair.low)})


def test_select_takes_equal_models_only_with_enough_examples():
    def drawn(examples):
        # The models disagree in 2 % of the examples, in favour of each model equally often.
        rows = np.arange(examples)
        return {"a": means(rows % 100 > 0), "b": means(rows % 100 != 50)}

    assert select(drawn(300), 0.01, True).not_worse == ()
    assert select(drawn(30_000), 0.01, True).not_worse == ("a", "b")


@pytest.mark.parametrize("greater", [True, False])
def test_select_follows_the_direction_of_the_metric(greater):
    generator = np.random.default_rng(0)
    noise = generator.standard_normal(1000)
    samples = {name: means(noise * 0.1 + level, "my_metric") for name, level in (("low", 1.0), ("high", 2.0))}
    selection = select(samples, 0.1, greater)
    best, other = ("high", "low") if greater else ("low", "high")
    assert selection.best == best
    assert selection.not_worse == selection.confidence_set == (best,)
    assert selection.bounds[other] == pytest.approx(1.0, abs=0.01)


def test_bounds_are_infinite_if_the_error_is_unknown():
    samples = {name: Sample("my_metric", None, known_values=[value]) for name, value in (("a", 1.0), ("b", 2.0))}
    selection = select(samples, 0.1, True)
    assert selection.best == "b"
    assert selection.not_worse == ()
    assert selection.confidence_set == ("a", "b")
    assert set(selection.bounds.values()) == {np.inf}


def test_bounds_hold_together():
    """All models are equally good: no bound may be below 0, with 95 % confidence."""
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        common = generator.standard_normal(60)
        samples = {name: means(common + generator.standard_normal(60), "my_metric") for name in "abcde"}
        # 0.0 is the value of a bound that would be below 0.
        wrong += min(select(samples, 0.0, True).bounds.values()) <= 0.0
    assert wrong / 200 <= 0.05


def test_model_confidence_set_agrees_with_arch():
    bootstrap = pytest.importorskip("arch.bootstrap")
    generator = np.random.default_rng(0)
    losses = generator.standard_normal((500, 1)) + generator.standard_normal((500, 6))
    losses += [0.0, 0.02, 0.08, 0.12, 0.15, 0.35]
    reference = bootstrap.MCS(losses, size=0.05, reps=4000, block_size=1, method="max", seed=1)
    reference.compute()
    draws = generator.multivariate_normal(np.zeros(6), np.cov(losses.T) / 500, 4000)
    p_values = confidence_set_p_values(losses.mean(0), draws)
    expected = reference.pvalues["Pvalue"].sort_index().to_numpy()
    assert p_values == pytest.approx(expected, abs=0.03)
    samples = {str(index): means(losses[:, index], "mse") for index in range(6)}
    chosen = select(samples, 0.0, greater_is_better=False).confidence_set
    assert chosen == tuple(map(str, sorted(reference.included)))


def test_model_confidence_set_keeps_equal_models():
    assert confidence_set_p_values(np.zeros(3), np.zeros((10, 3))).tolist() == [1.0, 1.0, 1.0]


def test_ranks_agree_with_demsar():
    """The mean ranks and the critical difference that the paper prints."""
    found = rank_models(SCORES)
    assert {name: round(rank, 2) for name, rank in found.ranks.items()} == pytest.approx(
        {"C4.5+m+cf": 1.96, "C4.5+m": 2.00, "C4.5+cf": 2.89, "C4.5": 3.14}, abs=0.011
    )
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert found.groups == (NAMES[3:] + NAMES[1:2] + NAMES[2:3] + NAMES[:1],)
    assert found.data_sets == 14


def test_ranks_agree_with_scipy_and_scikit_posthocs():
    from scipy import stats

    found = rank_models(SCORES)
    assert found.p_value == pytest.approx(stats.friedmanchisquare(*DEMSAR.T).pvalue)
    posthocs = pytest.importorskip("scikit_posthocs")
    expected = posthocs.posthoc_nemenyi_friedman(DEMSAR)
    for (a, b), p_value in found.pairs.items():
        assert p_value == pytest.approx(expected.iloc[NAMES.index(a), NAMES.index(b)], abs=1e-3)


def test_groups_are_the_largest_sets_that_are_not_distinguished():
    # Ranks 1, 2, 3, 4 on each of 40 data sets: the critical difference is 0.74.
    separate = rank_models({str(row): {"a": 4, "b": 3, "c": 2, "d": 1} for row in range(40)})
    assert separate.groups == ()
    assert separate.p_value < 1e-10
    errors = rank_models({str(row): {"a": 1.0, "b": 2.0} for row in range(10)}, greater_is_better=False)
    assert list(errors.ranks) == ["a", "b"]
    mixed = {str(row): {"a": 3, "b": 2 + (row % 2) * 2, "c": 0} for row in range(40)}
    assert rank_models(mixed).groups == (("a", "b"),)


def test_friedman_of_equal_models_finds_nothing():
    assert friedman(np.full((5, 3), 2.0)) == 1.0


@pytest.mark.parametrize(
    "scores",
    [{}, {"one": {"a": 1, "b": 2}}, {"one": {"a": 1}, "two": {"a": 1}}, {"one": {"a": 1, "b": 2}, "two": {"a": 1}}],
)
def test_rank_models_rejects_incomplete_tables(scores):
    with pytest.raises(HfseqError):
        rank_models(scores)
