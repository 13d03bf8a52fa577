"""Optional dependencies: each belongs to an extra, and where it is missing the error says which."""

import importlib
from types import ModuleType

from hfseq.errors import HfseqError

# What a module of an extra is for, to be read after "is needed for".
_PURPOSES = {
    "Bio": "reading FASTA",
    "PIL": "reading images",
    "jiwer": "the word error rate",
    "mido": "reading and writing MIDI",
    "sacrebleu": "BLEU and chrF",
    "seqeval": "scoring spans of tags",
    "soundfile": "reading audio",
}
_PACKAGES = {"Bio": "biopython", "PIL": "pillow"}


def require(module: str, extra: str) -> ModuleType:
    """Imports a module of an optional dependency.

    Args:
        module (`str`): the module, such as `"soundfile"` or `"Bio.SeqIO"`.
        extra (`str`): the extra of hfseq that brings it.

    Raises:
        HfseqError: where it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:
            raise  # it is installed, and lacks something of its own
        purpose, package = _PURPOSES.get(top, module), _PACKAGES.get(top, top)
        raise HfseqError(f'{package} is needed for {purpose}: pip install "hfseq[{extra}]"') from None
