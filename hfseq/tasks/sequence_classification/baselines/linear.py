"""Linear classifiers and regressions on features."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV

from hfseq.data.labels.schema import MULTI_LABEL, REGRESSION, SINGLE_LABEL, LabelSchema

# Inverse strengths of the L2 penalty, from strong to weak; penalties of the ridge regression of numbers.
_LOGISTIC_C = (0.1, 1.0, 10.0, 100.0)
_RIDGE_ALPHAS = tuple(float(alpha) for alpha in np.logspace(-3, 3, 10))
_REGRESSION_ALPHAS = (100.0, 10.0, 1.0, 0.1, 0.01)
# The penalty is chosen on at most this number of training examples.
_MOST_FOR_CHOICE = 20_000
# Logit of a class without training examples, below the smallest one.
_ABSENT = 20.0
# Divisors of the outputs of a ridge classifier, which are no logits.
_TEMPERATURES = np.logspace(-2, 0.5, 26)


@dataclass(frozen=True)
class LinearModel:
    """A fitted linear model.

    Attributes:
        weights (`np.ndarray` of shape `(features, outputs)`): the weights.
        bias (`np.ndarray` of shape `(outputs,)`): the bias.
        classes (`np.ndarray` of shape `(outputs,)`, *optional*): class number of each output. A single output is the
            log-odds of the second class. `None` if there is one output per label.
        num_labels (`int`): number of logits.
        penalty (`float`): the chosen strength of the penalty, `C` or `alpha`.
    """

    weights: np.ndarray
    bias: np.ndarray
    classes: np.ndarray | None
    num_labels: int
    penalty: float

    def __call__(self, features: Any) -> np.ndarray:
        """The logits `(rows, num_labels)` of features `(rows, features)`, dense or sparse."""
        scores = np.asarray(features @ self.weights) + self.bias  # (rows, outputs)
        if self.classes is None:
            return scores
        if scores.shape[1] == 1 < len(self.classes):
            scores = np.concatenate([np.zeros_like(scores), scores], axis=1)  # (rows, 2)
        logits = np.repeat(scores.min(1, keepdims=True) - _ABSENT, self.num_labels, axis=1)  # (rows, num_labels)
        logits[:, self.classes] = scores
        return logits

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases."""
        return self.weights.size + self.bias.size


def fit_logistic(
    train: tuple[Any, np.ndarray],
    validation: tuple[Any, np.ndarray],
    labels: LabelSchema,
    score: Callable[[np.ndarray, np.ndarray], float],
) -> tuple[LinearModel, float]:
    """Logistic regression with L2 penalty; for several labels, one for each; for numbers, ridge regression.

    The validation split chooses the penalty. Weaker penalties are tried as long as they are better.

    Args:
        train, validation (`tuple`): features of shape `(rows, features)`, dense or sparse, and labels.
        labels (`LabelSchema`): problem type and names of the labels.
        score (`Callable[[np.ndarray, np.ndarray], float]`): the metric of logits and labels; greater is better.

    Returns:
        `tuple[LinearModel, float]`: the model, and its score on the validation split.
    """
    features, targets = train
    size = features.shape[0]
    some: Any = slice(None)
    if size > _MOST_FOR_CHOICE:
        some = np.sort(np.random.default_rng(0).permutation(size)[:_MOST_FOR_CHOICE])
    best: LinearModel | None = None
    best_score = -np.inf
    for penalty in _REGRESSION_ALPHAS if labels.problem_type == REGRESSION else _LOGISTIC_C:
        model = _fit(features[some], targets[some], labels, penalty)
        found = score(model(validation[0]), validation[1])
        if best is not None and found <= best_score:
            break
        best, best_score = model, found
    assert best is not None  # there is a first penalty
    if size > _MOST_FOR_CHOICE:
        best = _fit(features, targets, labels, best.penalty)
        best_score = score(best(validation[0]), validation[1])
    return best, best_score


def _fit(features: Any, targets: np.ndarray, labels: LabelSchema, penalty: float) -> LinearModel:
    if labels.problem_type == REGRESSION:
        ridge = Ridge(alpha=penalty, solver="lsqr").fit(features, targets)
        return LinearModel(_column(ridge.coef_), np.atleast_1d(ridge.intercept_), None, 1, penalty)
    if labels.problem_type == SINGLE_LABEL:
        weights, bias, classes = _logistic(features, targets, penalty)
        return LinearModel(weights, bias, classes, labels.num_labels, penalty)
    columns = [_logistic(features, targets[:, label], penalty) for label in range(labels.num_labels)]
    weights = np.concatenate([column[0] for column in columns], axis=1)
    return LinearModel(weights, np.concatenate([column[1] for column in columns]), None, labels.num_labels, penalty)


def _logistic(features: Any, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights `(features, outputs)`, bias `(outputs,)`, and the classes. One class has constant logits."""
    targets = targets.astype(np.int64)
    classes = np.unique(targets)
    if len(classes) == 1:
        sign = 1.0 if classes[0] else -1.0
        return np.zeros((features.shape[1], 1), np.float32), np.array([sign * _ABSENT]), classes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # more iterations change the third digit of a logit
        model = LogisticRegression(C=penalty, max_iter=200, tol=1e-3).fit(features, targets)
    return model.coef_.T.astype(np.float32), model.intercept_, model.classes_


def fit_ridge(
    train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray], labels: LabelSchema
) -> LinearModel:
    """Ridge classifier or ridge regression. The penalty has the least leave-one-out error in training.

    The outputs of a ridge classifier are near -1 and 1. They are divided by the temperature with the least log loss on
    the validation split, so that they are logits.

    Args:
        train, validation (`tuple`): features of shape `(rows, features)` and labels.
        labels (`LabelSchema`): problem type and names of the labels.
    """
    features, targets = train
    if labels.problem_type == REGRESSION:
        wanted = targets.reshape(-1, 1)
    elif labels.problem_type == SINGLE_LABEL:
        wanted = np.where(targets[:, None] == np.arange(labels.num_labels), 1.0, -1.0)
    else:
        wanted = np.where(targets > 0.5, 1.0, -1.0)
    ridge = RidgeCV(alphas=_RIDGE_ALPHAS).fit(features, wanted)
    # RidgeCV drops the axis of the outputs if there is one.
    weights = ridge.coef_.reshape(wanted.shape[1], -1).T.astype(np.float32)
    bias = np.broadcast_to(ridge.intercept_, wanted.shape[1:]).copy()
    model = LinearModel(weights, bias, None, labels.num_labels, float(ridge.alpha_))
    if labels.problem_type == REGRESSION:
        return model
    temperature = _temperature(model(validation[0]), validation[1], labels.problem_type)
    return LinearModel(weights / temperature, bias / temperature, None, labels.num_labels, model.penalty)


def _temperature(scores: np.ndarray, targets: np.ndarray, problem_type: str) -> float:
    """The divisor of scores with the least log loss."""

    def loss(temperature: float) -> float:
        logits = scores / temperature
        if problem_type == MULTI_LABEL:
            return float(-np.where(targets > 0.5, log_expit(logits), log_expit(-logits)).mean())
        return float(-log_softmax(logits, axis=1)[np.arange(len(targets)), targets].mean())

    return min((float(value) for value in _TEMPERATURES), key=loss)


def _column(weights: np.ndarray) -> np.ndarray:
    return np.asarray(weights, dtype=np.float32).reshape(-1, 1)
