"""One file per layout of a recorded sequence."""
