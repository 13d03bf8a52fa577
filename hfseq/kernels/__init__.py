"""The compiled CPU kernels of recurrent layers and their loader. Optional at run time."""
