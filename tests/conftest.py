"""What several test folders share: small data sets, tiny models, a loopback hub, a process environment."""

import os

# Before torch is imported: models as tiny as those of the tests lose more than they gain by a second thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub
from small import make_reviews, write_csv


@pytest.fixture(scope="session")
def reviews(tmp_path_factory) -> Path:
    """A folder of splits: 160 reviews to train on, 40 each to validate and test on."""
    folder = tmp_path_factory.mktemp("reviews")
    for seed, (split, count) in enumerate({"train": 160, "validation": 40, "test": 40}.items()):
        write_csv(folder / f"{split}.csv", make_reviews(count, seed))
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A folder with a tiny pretrained encoder and its tokenizer, as one would get it from the Hub."""
    import torch
    from transformers import BertConfig, BertModel

    from hfseq.modalities.text.tokenizers import train_tokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    tokenizer = train_tokenizer(
        "wordpiece", [row["text"] for row in make_reviews(100, 9)], vocab_size=200, model_max_length=32
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def process_environment(tmp_path) -> dict[str, str]:
    """The environment of a subprocess: one thread, no network, caches of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return {**kept, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    """A Hub on this machine, empty."""
    with LoopbackHub() as running:
        yield running
