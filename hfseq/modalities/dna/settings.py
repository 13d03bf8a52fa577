"""Settings of DNA and RNA."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1
from hfseq.data.settings import setting
from hfseq.modalities.text.settings import TextSettings


@dataclass(frozen=True)
class DNASettings(TextSettings):
    """DNA and RNA sequences."""

    group = "dna"

    kmer: int = setting(1, "Number of letters per token.", bounds=AT_LEAST_1, per_model=True)
    kmer_stride: int = setting(
        1,
        "Distance, in letters, between the starts of two tokens: 1 for overlapping k-mers, the value of kmer for "
        "k-mers without overlap.",
        bounds=AT_LEAST_1,
        per_model=True,
    )
    reverse_complement: bool = setting(
        False, "Add the reverse complement of each training sequence to the training split.", per_model=True
    )
