"""Training ALIKED: pairs of images with a known warp, the losses of the paper, the trainer."""
