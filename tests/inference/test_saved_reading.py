"""What a model without a record reads, and which data it was trained on."""

import pytest
from small import make_reviews, write_csv

from hfseq.inference.predictor import Predictor
from hfseq.inference.saved_reading import guess_modality, saved_record, training_data
from hfseq.modalities.dna.tokenization_dna import DNATokenizer
from hfseq.modalities.music.frames import music_tokenizer
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForCausalLM
from hfseq.training.record import RunRecord
from hfseq.training.run import run_training

MAKERS = {"dna": lambda: DNATokenizer(2), "music": music_tokenizer}


@pytest.mark.parametrize("modality", ["dna", "music"])
def test_the_tokenizer_tells_what_is_read(modality, tmp_path):
    tokenizer = MAKERS[modality]()
    config = RecurrentConfig(
        vocab_size=len(tokenizer), embedding_size=4, hidden_size=4, bidirectional=False, pad_token_id=0
    )
    RecurrentForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert saved_record(str(tmp_path), "main") is None
    assert Predictor.load(str(tmp_path), device="cpu").task.modality.name == modality


def test_words_are_text(tmp_path):
    config = RecurrentConfig(vocab_size=20)
    assert guess_modality(config, str(tmp_path), "main") == "text"  # no tokenizer at all
    train_tokenizer("word", ["a frame of sound"] * 2, vocab_size=20).save_pretrained(tmp_path)
    assert guess_modality(config, str(tmp_path), "main") == "text"


def test_the_data_of_the_training_is_known_under_every_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "all.csv", make_reviews(60, 0))
    record = run_training(
        {
            "model": "lstm", "config_overrides": "hidden_size=4,embedding_size=4", "dataset": "all.csv",
            "num_train_epochs": 1, "output_dir": "run", "cache_dir": "cache", "use_cpu": True, "disable_tqdm": True,
        }
    )  # fmt: skip
    (tmp_path / "link.csv").symlink_to("all.csv")
    predictor = Predictor.load("run", device="cpu")
    for name in ("./all.csv", str(tmp_path / "all.csv"), "link.csv"):
        # Its test split, and not all rows.
        assert predictor.evaluate(name)["accuracy"] == pytest.approx(record.metrics["test"]["accuracy"]), name
        validation = predictor.evaluate(name, "validation")
        assert validation["accuracy"] == pytest.approx(record.metrics["validation"]["accuracy"])


def test_the_settings_beside_a_model_tell_where_its_data_is(tmp_path):
    record = RunRecord("lstm", "causal_lm", 0, {}, "abc", data={"dataset": "./reviews.csv"})
    assert training_data(str(tmp_path), record) == "./reviews.csv"
    (tmp_path / "config.yaml").write_text("dataset: /home/anna/reviews.csv\nmodel: gru\n")
    assert training_data(str(tmp_path), record) == "/home/anna/reviews.csv"
    # A file of the same name may be another program's.
    for content in ("- a list", "dataset: [a, b]", "a: [", "learning_rte: 1"):
        (tmp_path / "config.yaml").write_text(content)
        assert training_data(str(tmp_path), record) == "./reviews.csv"
