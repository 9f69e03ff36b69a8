"""The parts of the extractor."""
