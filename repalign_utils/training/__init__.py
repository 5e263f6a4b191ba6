"""Train an image classifier on a CPU, one GPU or many.

One process needs plain PyTorch alone; of many, Hugging Face Accelerate shares the
batches and averages the gradients (DDP). The loop is the same everywhere: as the
function `train`, or as a command in one process or in many::

    python -m repalign_utils.training -o natural.safetensors --family natural
    torchrun --nproc-per-node 4 -m repalign_utils.training -o ...
    accelerate launch -m repalign_utils.training -o ...
"""

from .._extras import need

need("torch", "torch")

from .classifiers import History, train
from .ensembles import Training, fit
from .recipes import Recipe, recipe
from .sources import FAMILIES, check_families, source, target_tasks

__all__ = [
    "FAMILIES",
    "History",
    "Recipe",
    "Training",
    "check_families",
    "fit",
    "recipe",
    "source",
    "target_tasks",
    "train",
]
