"""Images as a network wants them: normalised, resized, a slice at a time."""

import numpy as np
import torch
from torch.nn import functional as F

# Mean and standard deviation of a channel, of pixels in [0, 1].
SCALES = {
    "half": ((0.5,), (0.5,)),  # to [-1, 1], as in the paper's demo
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # of pretrained ones
}


class NetworkInputs:
    """Images as a network wants them, converted only when a slice is asked for.

    Parameters
    ----------
    images : array (n, c, h, w), uint8, or an ``ImageSet``
    size : height and width to bring them to; None: as they are
    scale : "half" or "imagenet", a name in ``SCALES``

    Raises
    ------
    ValueError
        If the scale is unknown or has another number of channels.

    Examples
    --------
    >>> NetworkInputs(np.full((4, 3, 8, 8), 255, np.uint8), size=16)[:2].shape
    torch.Size([2, 3, 16, 16])
    """

    def __init__(self, images, *, size: int | None = None, scale: str = "half"):
        self.images = np.asarray(getattr(images, "images", images))
        if scale not in SCALES:
            raise ValueError(f"scale is {scale!r}; choose one of {', '.join(SCALES)}")
        mean, std = SCALES[scale]
        if len(mean) not in (1, self.images.shape[1]):
            raise ValueError(
                f"scale {scale!r} is of {len(mean)} channels but the images have "
                f"{self.images.shape[1]}; use scale='half'"
            )
        self.size = size
        self.mean, self.std = (torch.tensor(v)[:, None, None] for v in (mean, std))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows) -> torch.Tensor:
        """Rows as a float32 tensor (b, c, size, size)."""
        return self.scaled(torch.from_numpy(self.images[rows]))

    def scaled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels (b, c, h, w), uint8, resized and normalised."""
        x = pixels.float() / 255
        if self.size and x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(
                x, (self.size, self.size), mode="bilinear", antialias=True
            )
        return (x - self.mean) / self.std
