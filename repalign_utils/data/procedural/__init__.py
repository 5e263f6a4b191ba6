"""Images, slices and functions that are drawn by rules, for who has no data at hand."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
