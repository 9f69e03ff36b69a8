"""Images of planes whose homography is known: the HPatches tables."""
