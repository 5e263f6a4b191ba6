"""Images and slices drawn by rules, for who has no data at hand."""

from .images import procedural_images

__all__ = ["procedural_images"]
