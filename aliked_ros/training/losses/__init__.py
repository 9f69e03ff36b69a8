"""What a network is told about a pair: the losses of the paper."""
