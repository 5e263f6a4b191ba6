"""Data: one loader each, typed, checked, with source, licence and amount.

A loader gives a `Dataset`, inputs (n, d) and targets (n, k), or an `ImageSet`, images
(n, c, h, w) and labels; and `About`, which says on the page what was used and how much
of it. Importing this package loads neither torch nor scikit-learn nor Pillow; the
public names load on first use, as ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
