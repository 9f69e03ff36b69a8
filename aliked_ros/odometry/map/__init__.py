"""What the camera saw so far: keyframes and landmarks that persist."""
