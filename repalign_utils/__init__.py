"""Representation alignment in neural networks: measures, networks, training, the book.

The public names load on first use, so that importing the package (or asking the
command line for help) waits for neither torch nor matplotlib. ``__init__.pyi`` lists
them.
"""

import lazy_loader

from . import _moved as _moved

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
