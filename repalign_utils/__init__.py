"""Representation alignment in neural networks: measures, training, book tools.

The public names load on first use, so that importing the package (or asking the
command line for help) waits for neither torch nor matplotlib.
"""

from importlib import import_module

_HOMES = {
    "Alignment": "spectral",
    "alignment": "spectral",
    "one_vs_rest": "labels",
    "MLPEnsemble": "ensemble",
    "Training": "training",
    "fit": "training",
    "check_parameters": "parameters_cell",
    "layer_alignment": "layerwise",
    "load_weights": "weights",
    "record_layers": "layers",
    "provenance": "results",
    "record": "results",
}
_MODULES = ("data", "figures")
__all__ = [*_HOMES, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
