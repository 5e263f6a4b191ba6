"""How the representations of two inputs move apart while a network trains, in theory.

Three equations for a pair of inputs, whatever the network (van Rossem & Saxe 2024):
their solution, the final distance, and rates fitted to what networks did. The public
names load on first use, as ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
