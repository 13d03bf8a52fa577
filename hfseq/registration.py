"""Registers the models and processors of hfseq with the Auto classes of transformers, when they are first needed.

The Auto classes and the models need torch, which takes seconds to import. So they are registered when transformers
imports its Auto classes, or immediately if it already has.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfseq.models.feature_transformer.configuration_feature_transformer import FeatureTransformerConfig
    from hfseq.models.recurrent.configuration_encoder_decoder import RecurrentEncoderDecoderConfig
    from hfseq.models.recurrent.configuration_recurrent import RecurrentConfig

CONFIGURATIONS = "transformers.models.auto.configuration_auto"
MODELS = "transformers.models.auto.modeling_auto"
TOKENIZERS = "transformers.models.auto.tokenization_auto"
FEATURE_EXTRACTORS = "transformers.models.auto.feature_extraction_auto"
IMAGE_PROCESSORS = "transformers.models.auto.image_processing_auto"
VIDEO_PROCESSORS = "transformers.models.auto.video_processing_auto"
PROCESSORS = "transformers.models.auto.processing_auto"


def _configurations() -> "list[type[RecurrentConfig | RecurrentEncoderDecoderConfig | FeatureTransformerConfig]]":
    from hfseq.models.feature_transformer.configuration_feature_transformer import FeatureTransformerConfig
    from hfseq.models.recurrent.configuration_encoder_decoder import RecurrentEncoderDecoderConfig
    from hfseq.models.recurrent.configuration_recurrent import RecurrentConfig

    return [RecurrentConfig, RecurrentEncoderDecoderConfig, FeatureTransformerConfig]


def _register_configurations() -> None:
    from transformers import AutoConfig

    from hfseq.models.recurrent.cell_types import PLUGIN_LOADERS
    from hfseq.plugins import load_entry_points

    # So that a saved model with a cell of an installed plug-in loads.
    if load_entry_points not in PLUGIN_LOADERS:
        PLUGIN_LOADERS.append(load_entry_points)
    for config_class in _configurations():
        # If transformers has a model type of this name, there must be an error.
        AutoConfig.register(config_class.model_type, config_class, exist_ok=False)


def _register_models() -> None:
    import transformers

    for config_class in _configurations():
        package = config_class.__module__.rpartition(".")[0]
        for auto_class, reference in config_class.model_classes.items():
            module, _, name = reference.partition(".")
            model_class = getattr(importlib.import_module(f"{package}.{module}"), name)
            getattr(transformers, auto_class).register(config_class, model_class, exist_ok=False)


def _register_processors(auto_class_name: str, module: str) -> None:
    """Registers the processors that the folders of modalities name for an Auto class."""
    auto_class = getattr(sys.modules[module], auto_class_name)
    for folder in pkgutil.iter_modules(importlib.import_module("hfseq.modalities").__path__):
        package = importlib.import_module(f"hfseq.modalities.{folder.name}") if folder.ispkg else None
        for reference in getattr(package, "AUTO_CLASSES", {}).get(auto_class_name, ()):
            name, _, class_name = reference.partition(".")
            processor = getattr(importlib.import_module(f"hfseq.modalities.{folder.name}.{name}"), class_name)
            # The Auto classes find a processor by the name of its class, so its key can be the class itself.
            if auto_class_name == "AutoImageProcessor":
                auto_class.register(processor, image_processor_classes={"pil": processor})
            else:
                auto_class.register(processor, processor)


def _register_missing_tokenizers() -> None:
    from transformers.models.auto.tokenization_auto import AutoTokenizer

    from hfseq.modalities.missing_processors import NoTokenizer

    for config_class in _configurations():
        AutoTokenizer.register(config_class, NoTokenizer)


def _register_missing_video_processors() -> None:
    from transformers.models.auto.video_processing_auto import AutoVideoProcessor

    from hfseq.modalities.missing_processors import VideoProcessor

    AutoVideoProcessor.register(VideoProcessor, VideoProcessor)


_REGISTRATIONS: tuple[tuple[str, Callable[[], None]], ...] = (
    (CONFIGURATIONS, _register_configurations),
    (MODELS, _register_models),
    (TOKENIZERS, partial(_register_processors, "AutoTokenizer", TOKENIZERS)),
    (TOKENIZERS, _register_missing_tokenizers),
    (FEATURE_EXTRACTORS, partial(_register_processors, "AutoFeatureExtractor", FEATURE_EXTRACTORS)),
    (IMAGE_PROCESSORS, partial(_register_processors, "AutoImageProcessor", IMAGE_PROCESSORS)),
    (VIDEO_PROCESSORS, _register_missing_video_processors),
    (PROCESSORS, partial(_register_processors, "AutoProcessor", PROCESSORS)),
)


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls a function once, after a module was imported for the first time."""

    def __init__(self, module: str, function: Callable[[], None]):
        self.module = module
        self.function = function

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_call(module: ModuleType) -> None:
            execute(module)
            self.function()

        spec.loader.exec_module = execute_and_call  # type: ignore[method-assign]
        return spec


def register_with_transformers() -> None:
    """Registers models and processors now, or as soon as the Auto classes of transformers are imported."""
    for module, function in _REGISTRATIONS:
        if module in sys.modules:
            function()
        else:
            sys.meta_path.insert(0, _AfterImport(module, function))
