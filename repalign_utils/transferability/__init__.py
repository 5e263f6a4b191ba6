"""Scores that are to tell, before any fine-tuning, how well features will transfer.

Each takes features (n, d) of the target's inputs, or a source network's probabilities
of them, and the target's labels; more is better in each. The public names load on
first use, as ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
