"""Step after step, with checkpoints, validations and a journal."""
