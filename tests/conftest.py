"""What several test folders share: small data sets, tiny models, a process environment."""

import csv
import os
import random
from pathlib import Path

import pytest

GOOD = ["lovely", "great", "fine", "sunny", "warm"]
BAD = ["dreadful", "poor", "dull", "rainy", "cold"]
NEUTRAL = ["the", "film", "was", "a", "day", "of", "and", "in", "it", "with"]

# A model small enough to be trained in a second.
TINY = {
    "model": "lstm",
    "config_overrides": "hidden_size=8,embedding_size=8,dropout=0.1",
    "max_length": 16,
    "num_train_epochs": 2,
    "learning_rate": 0.02,
    "per_device_train_batch_size": 16,
    "use_cpu": True,
    "disable_tqdm": True,
}


def write_csv(path: Path, rows: list[dict]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_reviews(count: int, seed: int) -> list[dict]:
    """Rows with a text of 3 to 12 words and a label that a word or two of it give away."""
    source = random.Random(seed)
    rows = []
    for number in range(count):
        label = ("good", "bad")[number % 2]
        words = source.choices(NEUTRAL, k=source.randint(2, 10))
        words.insert(source.randint(0, len(words)), source.choice(GOOD if label == "good" else BAD))
        rows.append({"text": " ".join([*words, f"n{number % 50}"]), "label": label})
    return rows


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

    from hfseq.data import train_tokenizer

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
