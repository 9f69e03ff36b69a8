"""Messages <-> arrays, both directions, nothing else; one module per family of messages."""
