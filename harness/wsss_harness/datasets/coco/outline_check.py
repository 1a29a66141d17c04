"""Outlines are checked against their images, their boxes and their areas before training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.coco.outlines import Box, Size, box_of

SHARE = 0.1  # of annotations that may contradict their outlines: a slip here or there
OVERLAP = 0.5  # IoU of an outline's box with 'bbox' below which they are of different places
INSIDE = 0.5  # of an outline's box that lies in its image at least, as of a cut object
EXCESS = 2.0  # an area is never larger than its box; half a pixel at each side is left for rounding


class Sized(NamedTuple):
    """An image by its id, with height and width in pixels."""

    image_id: str
    size: Size


def check_outlines(
    annotations: Sequence[Mapping[str, Any]], images: Mapping[int, Sized], file: Path
) -> None:
    """Raise DataError if an outline cannot be drawn, or if many are in other units than pixels.

    In the published files ``bbox`` and ``area`` follow from the outline. Where those of many
    annotations contradict it, the outlines are normalised, resized, or not x before y.
    """
    odd, compared = [], 0
    for place, annotation in enumerate(annotations):
        image = images[annotation["image_id"]]
        try:
            box = _drawn_box(annotation, image.size)
        except ValueError as error:
            raise DataError(
                f"{file}: {named(annotation, place)} of image {image.image_id} has {error}; "
                "correct it or get the annotation file again"
            ) from None
        compared += box is not None
        if box and (reason := _contradiction(box, annotation, image.size)):
            odd.append(f"{named(annotation, place)} of image {image.image_id} {reason}")
    if len(odd) > SHARE * compared:
        raise DataError(
            f"{file}: {len(odd)} of {compared} outlines contradict their annotations: {odd[0]}; "
            "give coordinates as x, y in pixels of the image, not normalised or of another size, "
            "and bbox and area that are theirs"
        )


def named(entry: Any, place: int, kind: str = "annotation") -> str:
    """An entry by its id, or by its place in the list if it has none."""
    number = entry.get("id") if isinstance(entry, Mapping) else None
    return f"{kind} {place + 1} in the list" if number is None else f"{kind} {number}"


def _drawn_box(annotation: Mapping[str, Any], size: Size) -> Box | None:
    box = box_of(annotation["segmentation"], size)
    if box is None and annotation["area"] >= 1:
        raise ValueError(f"an area of {annotation['area']:g}, but an outline that encloses nothing")
    return box


def _contradiction(box: Box, annotation: Mapping[str, Any], size: Size) -> str:
    """What speaks against the box of an outline; empty if nothing does."""
    left, top, right, bottom = box
    stated, area = annotation.get("bbox"), annotation["area"]
    width, height = right - left + 1, bottom - top + 1
    if right <= 1 and bottom <= 1 and max(size) > 2:
        return "lies within the first pixel"
    if _shared(box, (0, 0, size[1], size[0])) < INSIDE * width * height:
        return f"lies mostly outside its {size[1]}x{size[0]} pixels"
    if _is_box(stated) and max(_iou(box, other) for other in _readings(stated)) < OVERLAP:
        return f"reaches from {left:g}, {top:g} to {right:g}, {bottom:g}, but its bbox is {stated}"
    if area > EXCESS * width * height:
        return f"lies within {width:g}x{height:g} pixels, but its area is {area:g}"
    return ""


def _is_box(stated: Any) -> TypeGuard[list[float]]:
    """Whether it is a box; some write one of zeros where they have none."""
    if not isinstance(stated, list) or len(stated) != 4 or set(map(type, stated)) - {int, float}:
        return False
    return bool(0 < max(map(abs, stated)) < 1e9)


def _readings(stated: list[float]) -> tuple[Box, Box]:
    """As COCO's left, top, width, height, or as two corners, which others write."""
    left, top, width, height = stated
    return (left, top, left + width, top + height), (left, top, width, height)


def _iou(box: Box, other: Box) -> float:
    shared = _shared(box, other)
    union = sum((b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box, other)) - shared
    return shared / union if union > 0 else 0.0


def _shared(box: Box, other: Box) -> float:
    """The area that is shared by boxes, each larger by a pixel, as a line has no area."""
    width = min(box[2], other[2]) - max(box[0], other[0]) + 1
    height = min(box[3], other[3]) - max(box[1], other[1]) + 1
    return max(width, 0.0) * max(height, 0.0)
