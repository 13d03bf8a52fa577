"""Optional dependencies. If one is missing, the error names the extra that installs it."""

import importlib
from types import ModuleType

from hfseq.errors import HfseqError

# Module of an extra -> its purpose, which follows "is needed for" in the error message.
_PURPOSES = {
    "Bio": "reading FASTA",
    "PIL": "reading images",
    "jiwer": "the word error rate",
    "mido": "reading and writing MIDI",
    "optuna": "tuning the settings of models",
    "ray": "training on a Ray cluster",
    "sacrebleu": "BLEU and chrF",
    "seqeval": "scoring spans of tags",
    "soundfile": "reading audio",
    "submitit": "training on a Slurm cluster",
}
_PACKAGES = {"Bio": "biopython", "PIL": "pillow"}


def require(module: str, extra: str) -> ModuleType:
    """Imports a module of an optional dependency.

    Args:
        module (`str`): name of the module, for example `"soundfile"` or `"Bio.SeqIO"`.
        extra (`str`): extra of hfseq that installs it.

    Returns:
        `ModuleType`: the module.

    Raises:
        HfseqError: the module is not installed. The message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:
            raise  # the module is installed, but one of its own dependencies is missing
        purpose, package = _PURPOSES.get(top, module), _PACKAGES.get(top, top)
        raise HfseqError(f'{package} is needed for {purpose}: pip install "hfseq[{extra}]"') from None
