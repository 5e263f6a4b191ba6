"""Where modules went that once lay in the package's root."""

import sys
from pathlib import Path

_ROOMS = {
    "book": "build claims destination earlier_run execution listing pages parameters "
    "parameters_cell progress project references results runner yaml12",
    "measures": "budgets decompose gram labels memory probes spectral",
    "networks": "activations channel_axes ensemble evaluation heads layers layerwise "
    "model_inputs named_layers network_inputs outputs passes places positions stages "
    "weights",
    "training": "pretrain",
}
MOVED = {old: room for room, names in _ROOMS.items() for old in names.split()}


class _Elsewhere:
    """Finder that finds nothing, asked last: it says where what is missing lies."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        package, _, old = name.rpartition(".")
        if package != __package__ or old not in MOVED:
            return
        room = MOVED[old]
        file = Path(__file__).with_name(room) / f"{old}.py"
        place = f"{package}.{room}.{old}" if file.is_file() else f"in {package}.{room}"
        # Without the name as an attribute: with it, `from repalign_utils import ...`
        # drops this message for its own.
        raise ModuleNotFoundError(
            f"{name} is now {place}; its public names come from {package} itself"
        )


sys.meta_path.append(_Elsewhere)
