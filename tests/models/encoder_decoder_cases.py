"""Small encoder-decoders, and pairs of sources and targets with several kinds of padding."""

from typing import Any

import torch
from ragged import make_rows, pad_rows
from torch import Tensor
from transformers import BertConfig, PreTrainedConfig, ResNetConfig, ViTConfig, set_seed

from hfseq import RecurrentConfig, RecurrentEncoderDecoder, RecurrentEncoderDecoderConfig

PAD, START, END = 0, 1, 2
SOURCE_LENGTHS = (4, 7, 1, 5)
TARGET_LENGTHS = (3, 1, 6, 4)

ENCODERS: dict[str, PreTrainedConfig] = {
    "recurrent": RecurrentConfig(
        vocab_size=23, embedding_size=5, hidden_size=3, num_hidden_layers=2, cell_type="gru", pad_token_id=PAD
    ),
    "one way": RecurrentConfig(vocab_size=23, embedding_size=5, hidden_size=4, bidirectional=False),
    "numeric": RecurrentConfig(input_features=3, hidden_size=3),
    "bert": BertConfig(
        vocab_size=23, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=16,
    ),
    "vit": ViTConfig(
        image_size=16, patch_size=8, num_channels=1, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8,
    ),
    "resnet": ResNetConfig(
        num_channels=1, embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1], layer_type="basic"
    ),
}  # fmt: skip
# Attention and input feeding.
KINDS = [
    ("none", False),
    ("none", True),
    ("multiplicative", False),
    ("multiplicative", True),
    ("additive", False),
    ("additive", True),
]


def make_model(encoder: str = "recurrent", **settings: Any) -> RecurrentEncoderDecoder:
    """A small model in evaluation mode, always with the same weights."""
    set_seed(0)
    values = {
        "vocab_size": 11,
        "embedding_size": 4,
        "hidden_size": 5,
        "num_hidden_layers": 2,
        "pad_token_id": PAD,
        "bos_token_id": START,
        "eos_token_id": END,
    }
    model = RecurrentEncoderDecoder(RecurrentEncoderDecoderConfig(encoder=ENCODERS[encoder], **(values | settings)))
    # Biases are initially zero.
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.uniform_(parameter, -0.3, 0.3)
    return model.eval()


def make_targets(seed: int = 3) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randint(3, 11, (length,), generator=random) for length in TARGET_LENGTHS]


def make_sources(encoder: str) -> list[Tensor]:
    return make_rows(SOURCE_LENGTHS, features=3 if encoder == "numeric" else None)


def make_images(count: int = 3) -> Tensor:
    return torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def pad_labels(rows: list[Tensor], side: str, extra: int = 0) -> Tensor:
    """One batch of labels, -100 at padding."""
    batch, mask = pad_rows(rows, side, extra)
    return batch.masked_fill(mask == 0, -100)
