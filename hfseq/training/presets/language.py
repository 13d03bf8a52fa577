"""The presets of language models, and how their families are trained."""

from typing import Any

from hfseq.training.presets.cells import for_each_cell
from hfseq.training.presets.defaults import ATTENTION, RECURRENT

# Characters, with their case: a small vocabulary, no word unknown, and bits per character that mean what they say.
_CHARACTERS: dict[str, Any] = {"tokenizer_name": "character", "tokenizer_lowercase": False}

# One layer, as wide as a text of a million characters feeds. One mask of dropout for all steps, and one matrix for
# reading and telling tokens, as AWD-LSTM has them (Merity et al. 2018); less dropout than there, since characters are
# many. Weight drop is left out: of one layer it gained nothing in few epochs.
_RECURRENT_TEXT: dict[str, Any] = {
    "embedding_size": 128,
    "hidden_size": 384,
    "num_hidden_layers": 1,
    "bidirectional": False,
    # Not used here; a classifier that is made of the model later on takes it over.
    "pooling": "max",
    "dropout": 0.1,
    "locked_dropout": True,
    "classifier_dropout": 0.2,
    "tie_word_embeddings": True,
}
# Of about as many parameters; dropout as small character models of its kind have it.
_ATTENTION_TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "resid_pdrop": 0.1,
    "embd_pdrop": 0.1,
    "attn_pdrop": 0.1,
}

# A few hundred pieces are soon known by heart: more dropout.
_RECURRENT_MUSIC: dict[str, Any] = {
    **_RECURRENT_TEXT,
    "hidden_size": 256,
    "dropout": 0.2,
    "classifier_dropout": 0.4,
}
_ATTENTION_MUSIC: dict[str, Any] = {
    **_ATTENTION_TEXT,
    "num_hidden_layers": 3,
    "resid_pdrop": 0.2,
    "embd_pdrop": 0.2,
    "attn_pdrop": 0.2,
}


def _models(shared: dict[str, Any], recurrent: dict[str, Any], attention: dict[str, Any]) -> dict[str, dict[str, Any]]:
    models = for_each_cell({**shared, "model_type": "hfseq_recurrent", "config_overrides": recurrent})
    # Causal by its making; transformers knows many more (`model_type: llama`, `mamba`, ...).
    models["transformer"] = {**shared, "model_type": "gpt2", "config_overrides": attention}
    return models


TEXT_MODELS = _models({**_CHARACTERS, "max_length": 256}, _RECURRENT_TEXT, _ATTENTION_TEXT)
MUSIC_MODELS = _models({}, _RECURRENT_MUSIC, _ATTENTION_MUSIC)

# Blocks are long, and hold as many examples as they have tokens: fewer of them make a batch. Logits of a vocabulary
# are large, so evaluation takes fewer, too. Attention has the epochs that its slower start asks for.
LANGUAGE_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    ("causal_lm", RECURRENT): {
        "learning_rate": 4e-3,
        "num_train_epochs": 5,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
    },
    ("causal_lm", ATTENTION): {
        "learning_rate": 1e-3,
        "num_train_epochs": 6,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
    },
}
MUSIC_TRAINING: dict[tuple[str, str, str], dict[str, Any]] = {
    ("causal_lm", "music", RECURRENT): {"num_train_epochs": 30, "early_stopping_patience": 5},
    ("causal_lm", "music", ATTENTION): {"num_train_epochs": 40, "early_stopping_patience": 6},
}
