"""Images, slices and functions that are drawn by rules, for who has no data at hand."""

from .images import NAMES, procedural_images
from .peaks import PEAKS, peaks, peaks_task
from .phantom import ct_phantom

__all__ = [
    "NAMES",
    "PEAKS",
    "ct_phantom",
    "peaks",
    "peaks_task",
    "procedural_images",
]
