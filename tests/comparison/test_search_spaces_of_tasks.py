"""Search spaces and matched sizes on the built-in data sets of all tasks."""

import pytest

from hfseq.comparison.budgets.matching import TOLERANCE, match_sizes
from hfseq.comparison.budgets.search_spaces import Addition, Factor, LogRange
from hfseq.comparison.budgets.trial_settings import TrialSpace
from hfseq.comparison.plan import check_model
from hfseq.data.builtin import builtin_names
from hfseq.training.preparation import load_data
from hfseq.training.reading import layer, parse_mapping
from hfseq.training.settings import resolve

pytestmark = pytest.mark.slow


def settings_of(model, name, tmp_path):
    given = {"model": model, "dataset": f"builtin:{name}", "output_dir": str(tmp_path / model), "use_cpu": True}
    return parse_mapping({**given, "cache_dir": str(tmp_path / "cache")}, where="test")


@pytest.mark.parametrize("name", builtin_names())
def test_extreme_settings_of_every_space_can_be_built(name, tmp_path):
    data = None
    for model in ("lstm", "transformer"):
        given = settings_of(model, name, tmp_path)
        run = resolve(given)
        data = data or load_data(run.data)
        space = TrialSpace(run, data, {}, sizes_match=False)
        assert space.settings(space.default) == {}
        for end in (0, -1):
            values = {
                key: (item.low, item.high)[end] if isinstance(item, LogRange) else item.values[end]
                for key, item in space.space.items()
            }
            changed = space.settings(values)
            assert "config_overrides" in changed
            assert all(isinstance(item, Factor | Addition) for key, item in space.space.items() if key == "width")
            check_model(resolve(layer(given, changed)), data)


@pytest.mark.parametrize("rule", ["parameters", "flops"])
@pytest.mark.parametrize("name", builtin_names())
def test_transformers_are_sized_to_recurrent_models(name, rule, tmp_path):
    models = {model: resolve(settings_of(model, name, tmp_path)) for model in ("lstm", "transformer")}
    match = match_sizes(rule, models, load_data(models["lstm"].data))
    assert match.after["transformer"] == pytest.approx(match.target, rel=TOLERANCE)
