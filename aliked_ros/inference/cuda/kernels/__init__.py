"""The kernels, in Triton's language: Python in form, compiled for the card."""
