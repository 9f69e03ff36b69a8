"""Features and depths of successive images -> the pose of the camera."""
