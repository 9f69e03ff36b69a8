"""ALIKED from image to descriptors; `aliked.ALIKED` and `weights` are the only doors."""
