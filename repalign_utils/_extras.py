"""What a small installation lacks: an error that says how to install it."""

import importlib
from types import ModuleType


def need(module: str, extra: str) -> ModuleType:
    """Import a module that the base installation does not bring.

    Parameters
    ----------
    module : str
        Its name, such as ``"torch"`` or ``"PIL.Image"``.
    extra : str
        The extra of this package that installs it, a key of
        ``[project.optional-dependencies]`` in ``pyproject.toml``.

    Returns
    -------
    module
        The module, imported.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; says what installs it. What an installed module lacks
        itself is its own error.

    Examples
    --------
    >>> need("json", "run").loads("[1, 2]")
    [1, 2]
    >>> need("no_such_module", "torch")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ModuleNotFoundError: no_such_module is needed here, but ... 'repalign-utils[torch]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise
        raise ModuleNotFoundError(
            f"{package} is needed here, but it is not installed; "
            f"install it with: pip install 'repalign-utils[{extra}]'",
            name=package,
        ) from None
