"""Shared fixtures: small data sets, tiny models, a loopback Hub, an environment for subprocesses."""

import os

# Set before torch is imported. A second thread would make the tiny models of the tests slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub
from small import make_reviews, write_csv


@pytest.fixture(scope="session")
def reviews(tmp_path_factory) -> Path:
    """A folder with train.csv (160 reviews), validation.csv and test.csv (40 reviews each)."""
    folder = tmp_path_factory.mktemp("reviews")
    for seed, (split, count) in enumerate({"train": 160, "validation": 40, "test": 40}.items()):
        write_csv(folder / f"{split}.csv", make_reviews(count, seed))
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A folder with a tiny pretrained encoder and its tokenizer, like a download from the Hub."""
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
    """Environment of a subprocess: one thread, no network, separate caches."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return {**inherited, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    """An empty Hub on this machine."""
    with LoopbackHub() as running:
        yield running
