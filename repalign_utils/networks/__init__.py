"""Networks: built, loaded, run, and the layers within them."""

from .._extras import need

need("torch", "torch")

from .building import build, pretrained

__all__ = ["build", "pretrained"]
