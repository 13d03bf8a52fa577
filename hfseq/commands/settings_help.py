"""The help of the settings of `hfseq train` and `hfseq compare`."""

from hfseq.training.all_settings import all_settings


def print_all() -> str:
    return "\n".join(f"--{item.name} {item.help} (default: {item.default})" for item in all_settings().values())
