"""Settings of token classification."""

from dataclasses import dataclass

from hfseq.data.settings import TaskSettings, setting
from hfseq.modalities.shared_settings import ClassWeightSettings, IdColumnSettings
from hfseq.span_tags import TAG_SCHEMES


@dataclass(frozen=True)
class TokenClassificationSettings(ClassWeightSettings, IdColumnSettings, TaskSettings):
    """Classification of the words of a sentence."""

    group = "token_classification"

    tag_scheme: str | None = setting(
        None,
        "Scheme that the tags of spans are converted to: iob2 (also called bio), bioes, or keep for no conversion. By "
        "default IOB1 becomes IOB2, and BILOU, BMES, PER-B and b-per become IOB2 or BIOES.",
        choices=TAG_SCHEMES,
    )
