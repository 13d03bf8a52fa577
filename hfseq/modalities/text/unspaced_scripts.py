"""Detects scripts without spaces between words. A word tokenizer would read a whole sentence as one word."""

import re
from collections.abc import Sequence

UNSPACED_NOTE = (
    "the texts are written without spaces between words, so the tokenizer reads characters; --tokenizer_name bpe "
    "learns longer pieces"
)

# Thai, Lao, Myanmar, Khmer, Japanese kana, and Chinese characters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003134f"
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_LETTER = re.compile(rf"\w|[{_UNSPACED}]")
# In texts that were already split into words, runs of such letters are as short as words.
_LONGEST_WORDS, _LEAST_SHARE = 2.5, 0.25
_TEXTS, _CHARACTERS = 2_000, 500


def is_written_without_spaces(texts: Sequence[str]) -> bool:
    """Whether a quarter or more of the letters belong to scripts without spaces, in runs longer than words.

    Args:
        texts (`Sequence[str]`): the texts, of which up to 2,000, evenly spaced, are looked at.
    """
    step = max(1, len(texts) // _TEXTS)
    sample = [text[:_CHARACTERS] for text in texts[::step] if isinstance(text, str)]
    runs = [len(run) for text in sample for run in _RUN.findall(text)]
    if not runs or sum(runs) / len(runs) <= _LONGEST_WORDS:
        return False
    return sum(runs) >= _LEAST_SHARE * sum(len(_LETTER.findall(text)) for text in sample)
