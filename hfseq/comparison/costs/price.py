"""Money: time at a price per hour."""

from collections.abc import Mapping
from typing import Any

_HOUR = 3600
_PREDICTIONS = 1_000_000


def prices(costs: Mapping[str, Any], price_per_hour: float) -> dict[str, float]:
    """Prices of a model.

    Args:
        costs (`Mapping[str, Any]`): costs by key.
        price_per_hour (`float`): price of one hour of the machine.

    Returns:
        `dict[str, float]`: `price` of the training, and `price_per_million_predictions` at the highest throughput, in
        the currency of `price_per_hour`; each if its time is known.
    """
    found = {}
    if costs.get("train_seconds") is not None:
        found["price"] = costs["train_seconds"] / _HOUR * price_per_hour
    if costs.get("throughput_examples_per_second"):
        hours = _PREDICTIONS / costs["throughput_examples_per_second"] / _HOUR
        found["price_per_million_predictions"] = hours * price_per_hour
    return found
