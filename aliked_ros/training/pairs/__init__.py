"""Where pairs of images with a known warp come from."""
