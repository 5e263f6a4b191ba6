"""Similarity of two representations of the same rows, and what chance would give.

Features X (n, p) and Y (n, q) of the same n inputs come in as
`repalign_utils.alignment` takes them, and are centred here. The public names load on
first use, as ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
