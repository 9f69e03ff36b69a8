"""Predictions written to files, scored against ground truth."""
