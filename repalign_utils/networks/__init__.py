"""Networks: built, loaded, run, and the layers within them.

Made
    `building` has networks by name, of ours or a library, `convnets` plain ones from
    words; `weights` reads them from a file; `names` knows layers, head and stages by
    name. `ensembles` are many small networks in one, with their `activations`.
Run
    `inputs` makes batches of whatever is given, `images` are scaled for it, `device`
    says where to compute, `running` sets a network up to be listened to, and `passes`
    takes all batches through.
Listened to
    `places` finds the axis of the samples in what a layer gives, `channel_axes` that of
    the channels, and `positions` takes the mean over the others. On these stand
    `layers` (outputs as they are), `outputs` (last hidden layer, accuracy) and
    `layerwise` (alignment of all layers in one pass) and `two_networks` (similarity of
    the layers of two, or of one).
"""

from .._extras import need

need("torch", "torch")

from .building import build, pretrained

__all__ = ["build", "pretrained"]
