"""The error of a frame that came too early."""


class NotReadyError(RuntimeError):
    """What every frame needs has not come yet; the text says what is missing and what to do."""
