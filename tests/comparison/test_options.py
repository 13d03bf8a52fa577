from hfseq.comparison.options import ComparisonOptions, comparison_options, split_options
from hfseq.training.all_settings import setting_names


def test_options_differ_from_settings_of_runs():
    assert not comparison_options().keys() & setting_names()


def test_split_options_separates_settings_of_runs():
    options, rest = split_options({"learning_rate": 1e-3, **ComparisonOptions().given()})
    assert options == ComparisonOptions()
    assert rest == {"learning_rate": 1e-3}
