"""All models of the recurrent family, with tests that create them and their inputs."""

import importlib
from pathlib import Path
from typing import Any

import encoder_decoder_cases
from ragged import pad_rows
from torch import Tensor

from hfseq import RecurrentConfig, RecurrentEncoderDecoder, RecurrentEncoderDecoderConfig

# Model class -> the Auto classes that load it.
REGISTERED: dict[type, list[str]] = {}
for config_class in (RecurrentConfig, RecurrentEncoderDecoderConfig):
    for auto_class, reference in config_class.model_classes.items():
        module, _, name = reference.partition(".")
        model_class = getattr(importlib.import_module(f"hfseq.models.recurrent.{module}"), name)
        REGISTERED.setdefault(model_class, []).append(auto_class)


class EncoderDecoders:
    """Creates the model that has another configuration than the others, and therefore other tests."""

    model_class = RecurrentEncoderDecoder

    def make_model(self) -> RecurrentEncoderDecoder:
        return encoder_decoder_cases.make_model()

    def make_batch(self, model: RecurrentEncoderDecoder) -> dict[str, Tensor]:
        batch, mask = pad_rows(encoder_decoder_cases.make_sources("recurrent"), "mixed", 1)
        labels = encoder_decoder_cases.pad_labels(encoder_decoder_cases.make_targets(), "right")
        return {"input_ids": batch, "attention_mask": mask, "labels": labels}

    def make_inputs(self, model: RecurrentEncoderDecoder) -> dict[str, Tensor]:
        batch = self.make_batch(model)
        return batch | {"decoder_input_ids": model.prepare_decoder_input_ids_from_labels(batch.pop("labels"))}


def all_tests() -> dict[str, Any]:
    """An instance of the tests of each model class in this folder, by the name of the model class."""
    found: dict[str, Any] = {RecurrentEncoderDecoder.__name__: EncoderDecoders()}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if "model_class" not in path.read_text(encoding="utf-8"):
            continue
        for value in vars(importlib.import_module(path.stem)).values():
            if isinstance(value, type) and hasattr(value, "model_class") and hasattr(value, "make_inputs"):
                found.setdefault(value.model_class.__name__, value())
    return found
