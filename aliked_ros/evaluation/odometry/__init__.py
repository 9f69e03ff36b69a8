"""Runs of the odometry over sequences, and what they are compared by."""
