"""Image messages -> pixels, as the parameters say, and what is strange about them, said once."""

from __future__ import annotations

from aliked_ros.config.nodes import ImageConfig
from aliked_ros.images import GreyRange
from aliked_ros.nodes.base.conversions.cameras import AnyImage, image_from_message
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.structs import Pixels


class ImageDecoder:
    """Decodes the images of one camera.

    Args:
        config: how images arrive.
        diagnostics: hears and shows which values of 16 bits are used.
        name: of the images, for the reader.

    Raises:
        ValueError: if grey_range is none.
    """

    def __init__(self, config: ImageConfig, diagnostics: Diagnostics, name: str) -> None:
        self._config = config
        self._diagnostics = diagnostics
        self._name = name
        self._grey_range = GreyRange(config.grey_range)
        self._is_told = False

    def __call__(self, message: AnyImage) -> Pixels:
        """Return (H, W) grey or (H, W, 3) RGB, uint8.

        Raises:
            ImageError: if the message cannot be decoded.
        """
        pixels = image_from_message(message, self._grey_range, self._config.max_megapixels)
        if self._grey_range.brightest is not None and not self._is_told:
            self._tell()
        return pixels

    def partner(self, message: AnyImage) -> Pixels:
        """Return the other image of a pair, with the range of the one that was decoded last."""
        return image_from_message(message, self._grey_range.held(), self._config.max_megapixels)

    def _tell(self) -> None:
        """Say which part of 16 bits is used."""
        self._is_told = True
        grey_range = self._grey_range
        self._diagnostics.show(f"grey range of {self._name}", lambda: _shown(grey_range))
        if grey_range.brightest is not None and grey_range.brightest < 32768:
            self._diagnostics.inform(
                f"{self._name} has more than 8 bits and its brightest value is "
                f"{grey_range.brightest:g} of 65535: values {_shown(grey_range)} become black to "
                "white; the parameter grey_range sets others"
            )


def _shown(grey_range: GreyRange) -> str:
    low, high = grey_range.used or (0.0, 0.0)
    return f"{low:.6g} to {high:.6g}"
