"""The pixels that give features their depth, or why there are none."""

from __future__ import annotations

from typing import NamedTuple

from aliked_ros.config.nodes import ImageConfig, InputsConfig
from aliked_ros.images import ImageError, implausible_depth
from aliked_ros.nodes.base.conversions.cameras import depth_from_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.decoding import ImageDecoder
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs
from aliked_ros.structs import Floats, Pixels


class FrameImages(NamedTuple):
    """What gives the features of one instant their depth; what is not there is None.

    Attributes:
        image: the (left) image of a stereo pair, (H, W) grey or (H, W, 3) RGB, uint8.
        right_image: the right one in the same form.
        depth_m: (H, W) float32 depth image, metres.
        missing: why there is less than the sensor has, one clause; else empty.
        depth_offset_s: stamp of the depth image minus that of the features, s.
    """

    image: Pixels | None = None
    right_image: Pixels | None = None
    depth_m: Floats | None = None
    missing: str = ""
    depth_offset_s: float = 0.0


class FrameImageReader:
    """Decodes what comes beside features; what cannot be used is left out, and says so.

    Args:
        images: how the images of cameras arrive.
        inputs: how depth arrives.
        diagnostics: hears which values of 16-bit images are used.

    Attributes:
        depth_scale: metres per unit of a depth image, 0: by its encoding; may be set at any time.
    """

    def __init__(self, images: ImageConfig, inputs: InputsConfig, diagnostics: Diagnostics) -> None:
        self._decode = ImageDecoder(images, diagnostics, "the left image")
        self.depth_scale = inputs.depth_scale
        self._max_megapixels = images.max_megapixels

    def read(self, inputs: FrameInputs, extraction: Extraction) -> FrameImages:
        """Return the images; the left one is that of the extractor if it was handed over."""
        if inputs.missing:
            return FrameImages(missing=inputs.missing)
        try:
            if inputs.depth is not None:
                late_ns = stamp_to_ns(inputs.depth.header.stamp) - stamp_to_ns(
                    extraction.header.stamp
                )
                depth_m = self._depth(inputs, extraction)
                return FrameImages(depth_m=depth_m, depth_offset_s=late_ns * 1e-9)
            if inputs.right is not None:
                return self._pair(inputs, extraction)
        except ImageError as error:
            role = "depth image" if inputs.depth is not None else "stereo pair"
            return FrameImages(missing=f"{role}: {error}")
        return FrameImages()

    def _depth(self, inputs: FrameInputs, extraction: Extraction) -> Floats:
        """Return the depth image.

        Raises:
            ImageError: if it cannot be used with the features.
        """
        assert inputs.depth is not None
        depth_m = depth_from_message(inputs.depth, self.depth_scale, self._max_megapixels)
        if depth_m.shape != extraction.features.image_size:
            raise ImageError(
                f"it is {depth_m.shape[1]}x{depth_m.shape[0]}, the image is "
                f"{extraction.features.image_size[1]}x{extraction.features.image_size[0]}: "
                "register the depth to it"
            )
        if not self.depth_scale and (strange := implausible_depth(depth_m)):
            raise ImageError(strange)
        return depth_m

    def _pair(self, inputs: FrameInputs, extraction: Extraction) -> FrameImages:
        assert inputs.right is not None
        left, decode_right = extraction.image, extraction.decode_partner
        if inputs.left is not None:
            left, decode_right = self._decode(inputs.left), self._decode.partner
        right = (decode_right or self._decode.partner)(inputs.right)
        if left is not None and left.shape[:2] != right.shape[:2]:
            raise ImageError(
                f"the right image is {right.shape[1]}x{right.shape[0]}, the left one is "
                f"{left.shape[1]}x{left.shape[0]}: both must have one size"
            )
        return FrameImages(left, right)
