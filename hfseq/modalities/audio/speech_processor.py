"""The processor of speech recognition models, which `AutoProcessor` loads."""

from typing import Any

from transformers import BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.remote_code import RemoteCodeMixin


class SpeechProcessor(RemoteCodeMixin, ProcessorMixin):
    """The feature extractor and the tokenizer of a model that writes down speech.

    It prepares recordings for the model. `batch_decode` turns the tokens of the model into texts.

    Args:
        feature_extractor (`LogMelFeatureExtractor`): the feature extractor of the recordings.
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer of the transcripts.
    """

    def __init__(self, feature_extractor: LogMelFeatureExtractor, tokenizer: PreTrainedTokenizerBase):
        super().__init__(feature_extractor, tokenizer)

    def processors_with_code(self) -> list[Any]:
        """The feature extractor; the tokenizer saves itself."""
        return [self.feature_extractor]

    def __call__(self, audio: Any, sampling_rate: int | None = None, **kwargs: Any) -> BatchFeature:
        """Prepares recordings for the model: see [`LogMelFeatureExtractor.__call__`]."""
        return self.feature_extractor(audio, sampling_rate, **kwargs)
