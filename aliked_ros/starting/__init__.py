"""Which processes make a pipeline: the launch file and `aliked run` read the same arguments."""
