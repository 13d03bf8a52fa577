import torch


def interpolate(old, new, gate):
    return torch.lerp(old, new, gate.sigmoid())
