"""Training a matcher on the features of an extractor that stays as it is."""
