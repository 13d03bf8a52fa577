"""`builtin:digits-rows`: handwritten digits, read row by row.

Real images: the 8x8 digits that scikit-learn ships, which are the test part of Alpaydin and Kaynak's set of 1998. To
read an image as a sequence is a custom since Le et al. (2015) read one pixel by pixel.
"""

import numpy as np
from datasets import ClassLabel, DatasetDict

from hfseq.data.sources.series_rows import series_dataset

_HELD_OUT = 300


def load(cache_dir: str | None = None) -> DatasetDict:
    """The digits, the same number of each kind in every split as far as that goes.

    Args:
        cache_dir (`str`, *optional*): not used, since the images come with scikit-learn.

    Returns:
        `datasets.DatasetDict`: train (1,197), validation and test (300 each) with the columns `series`, 8 rows of 8
        brightnesses from 0 to 16, and `label`.
    """
    # Importing these takes a second, which other data sets need not pay.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    rows = np.arange(len(digits.target))
    rest, test = train_test_split(rows, test_size=_HELD_OUT, random_state=0, stratify=digits.target)
    train, validation = train_test_split(rest, test_size=_HELD_OUT, random_state=0, stratify=digits.target[rest])
    label = ClassLabel(names=[str(name) for name in digits.target_names])
    return DatasetDict(
        {
            split: series_dataset(
                list(digits.images[chosen]), {"label": digits.target[chosen].tolist()}, {"label": label}
            )
            for split, chosen in (("train", train), ("validation", validation), ("test", test))
        }
    )


def describe() -> str:
    """What the set is."""
    return "builtin:digits-rows, the 1,797 handwritten 8x8 digits that come with scikit-learn, as series of 8 rows"
