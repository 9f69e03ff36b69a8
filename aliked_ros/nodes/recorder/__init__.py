"""The parts of the recorder."""
