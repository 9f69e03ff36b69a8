"""The parts of the overlay."""
