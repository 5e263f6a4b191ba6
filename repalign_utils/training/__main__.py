"""Command line of the training: one process, or many under torchrun or accelerate."""

import os
from pathlib import Path

import click

from ..files import replacing

SOURCE = (
    "family",
    "class_list",
    "classes",
    "n_per_class",
    "target",
    "data_dir",
    "seed",
)
RECIPE = ("epochs", "batch_size", "step_size")
COMPUTE = ("device", "precision", "accumulate", "workers")
TRAIN = ("size", "seed", "checkpoints")


def _option(name: str, default, text: str, choices=()):
    kind = click.Choice(choices) if choices else type(default)
    return click.option(name, default=default, type=kind, help=text, show_default=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File for the weights, .safetensors.",
)
@_option("--source", "procedural", "Or cifar100, imagenet, a folder of class folders.")
@_option("--family", "natural", "Of classes.", ["artificial", "natural"])
@_option("--class-list", "", "File with the classes of a folder, one a line.")
@_option("--classes", 0, "How many classes of the family; 0: all.")
@_option("--n-per-class", 0, "Images of each class; 0: all there are.")
@_option("--target", "", "Leave out what is nearly a class of it, such as cifar10.")
@_option("--data-dir", "", "Folder with real data; empty: REPALIGN_DATA.")
@_option("--network", "small_resnet", "Or small_vit, one of torchvision or timm.")
@_option("--size", 32, "Height and width of the images.")
@_option("--recipe", "small", "Or cifar, paper, quick, a .toml file: how to train.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--batch-size", type=int, help="Over all processes, likewise.")
@click.option("--step-size", type=float, help="Likewise.")
@_option("--device", "auto", "Or cpu, cuda, cuda:N, mps.")
@_option("--precision", "float32", "", ["float32", "bfloat16", "float16"])
@_option("--accumulate", 1, "Parts in which a batch is computed, to save memory.")
@_option("--workers", 0, "Processes that decode images.")
@_option("--seed", 0, "Of weights, order, augmentation and what is drawn.")
@_option("--checkpoints", "", "Folder from which an interrupted run goes on.")
def main(output: Path, **options):
    """Pretrain a network on one family of classes and write its weights."""
    if output.suffix != ".safetensors":
        raise click.UsageError(f"-o is {str(output)!r}; expected a .safetensors file")
    try:
        _train(output, options)
    except (ValueError, RuntimeError, OSError, FloatingPointError) as error:
        raise click.ClickException(str(error)) from None


def _train(output: Path, options: dict) -> None:
    from safetensors.torch import save_model

    from ..networks.building import build
    from ..networks.device import Compute
    from . import recipe, source, train

    compute = Compute(**{k: options[k] for k in COMPUTE})
    images = source(options["source"], **{k: options[k] for k in SOURCE})
    size, seed = options["size"], options["seed"]
    network = build(options["network"], len(images.classes), size=size, seed=seed)
    how = recipe(options["recipe"], network, **{k: options[k] for k in RECIPE})
    _say(f"{images.about.sentence()}\n{how}")
    settings = {k: options[k] for k in TRAIN}
    history = train(network, images, how, compute=compute, report=_progress, **settings)
    if _is_main():
        with replacing(output) as part:
            save_model(network, str(part))
    _say(
        f"{history.steps} steps by {history.processes} process(es), "
        f"{history.images_per_second:,.0f} images/s: {output}"
    )


def _progress(epoch: int, loss: float, images_per_second: float) -> None:
    _say(f"epoch {epoch}: loss {loss:.4f}, {images_per_second:,.0f} images/s")


def _say(text: str) -> None:
    if _is_main():
        click.echo(text)


def _is_main() -> bool:
    return os.environ.get("RANK", "0") == "0"


if __name__ == "__main__":
    main()
