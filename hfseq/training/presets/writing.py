"""The presets of the tasks that write text, and how their families are trained."""

from typing import Any

from hfseq.training.presets.defaults import ATTENTION, RECURRENT

# Decoders have no other cells.
CELLS = ("rnn", "lstm", "gru")

# Pieces of words, shared by both languages, with their case, which a translation has to get right.
_TEXTS: dict[str, Any] = {
    "tokenizer_name": "bpe",
    "tokenizer_vocab_size": 8000,
    "tokenizer_lowercase": False,
}


def _translator(cell: str) -> dict[str, Any]:
    # The recurrent translator of Luong et al. (2015), its encoder reading in both directions as in Bahdanau et al.
    # (2015). Without input feeding, whose steps cannot be taken at once.
    return {
        **_TEXTS,
        "model_type": "hfseq_encoder_decoder",
        "config_overrides": {
            "cell_type": cell,
            "embedding_size": 256,
            "hidden_size": 256,
            "dropout": 0.3,
            "encoder": {
                "model_type": "hfseq_recurrent",
                "embedding_size": 256,
                "hidden_size": 256,
                "bidirectional": True,
                "dropout": 0.3,
            },
        },
    }


def _captioner(cell: str) -> dict[str, Any]:
    # Xu et al. (2015), with a ResNet small enough to be trained along with the decoder.
    return {
        "model_type": "hfseq_encoder_decoder",
        "config_overrides": {
            "cell_type": cell,
            "embedding_size": 128,
            "hidden_size": 128,
            "dropout": 0.2,
            "encoder": {
                "model_type": "resnet",
                "embedding_size": 32,
                "hidden_sizes": [32, 64, 128],
                "depths": [1, 1, 1],
                "layer_type": "basic",
            },
        },
    }


TRANSLATORS: dict[str, dict[str, Any]] = {
    **{cell: _translator(cell) for cell in CELLS},
    # Marian's architecture (Junczys-Dowmunt et al. 2018): one table of embeddings for sources, targets and outputs.
    "transformer": {
        **_TEXTS,
        "model_type": "marian",
        "config_overrides": {
            "d_model": 256,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 512,
            "decoder_ffn_dim": 512,
            "dropout": 0.1,
            "activation_function": "relu",
            "scale_embedding": True,
        },
    },
}

CAPTIONERS: dict[str, dict[str, Any]] = {
    **{cell: _captioner(cell) for cell in CELLS},
    "transformer": {
        "model_type": "vision-encoder-decoder",
        "config_overrides": {
            "encoder": {
                "model_type": "vit",
                "patch_size": 8,
                "hidden_size": 128,
                "num_hidden_layers": 3,
                "num_attention_heads": 4,
                "intermediate_size": 256,
                "hidden_dropout_prob": 0.1,
            },
            "decoder": {
                "model_type": "gpt2",
                "n_embd": 128,
                "n_layer": 2,
                "n_head": 4,
                "n_inner": 256,
            },
        },
    },
}

# (task, family) -> what differs from the family's usual training.
WRITING_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    ("sequence_to_sequence", RECURRENT): {"learning_rate": 1e-3, "per_device_train_batch_size": 64},
    ("sequence_to_sequence", ATTENTION): {"learning_rate": 1e-3, "per_device_train_batch_size": 64},
    # A ViT has to learn from few pictures what a ResNet has built in: on builtin:digits-captions the validation split
    # still gained at the end of 15 epochs. Of the rates 5e-4, 1e-3 and 2e-3, the family's was the best there.
    ("captioning", RECURRENT): {"num_train_epochs": 15, "early_stopping_patience": 4},
    ("captioning", ATTENTION): {"num_train_epochs": 40, "early_stopping_patience": 6},
}
