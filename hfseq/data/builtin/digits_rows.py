"""`builtin:digits-rows`: classify handwritten digits that are read row by row.

The images are the real 8x8 digits of scikit-learn, which are the test split of the data set of Alpaydin and Kaynak
(1998). Le et al. (2015) introduced the classification of images as sequences, with one pixel per step.
"""

import numpy as np
from datasets import ClassLabel, DatasetDict

from hfseq.data.sources.series_rows import series_dataset

_HELD_OUT = 300


def load(cache_dir: str | None = None) -> DatasetDict:
    """Loads the digits, in splits that are stratified by digit.

    Args:
        cache_dir (`str`, *optional*): not used, because the images are part of scikit-learn.

    Returns:
        `datasets.DatasetDict`: train (1,197 rows), validation and test (300 rows each) with the columns `series`, 8
        rows of 8 pixels from 0 to 16, and `label`.
    """
    # Imported here because the imports take a second, and other data sets do not need them.
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
    """Describes the data set."""
    return "builtin:digits-rows, the 1,797 handwritten 8x8 digits that come with scikit-learn, as series of 8 rows"
