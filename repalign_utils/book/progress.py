"""What one sees of a build: bars on a terminal, and a line for each event."""

from .._extras import need

need("rich", "workflow")
from rich import progress  # noqa: E402
from rich.console import Console  # noqa: E402


class Steps:
    """Steps of a build; a context manager. Without a terminal, starts are told too."""

    def __init__(self):
        console = Console(highlight=False)
        self._bars = progress.Progress(
            progress.TextColumn("{task.description:<24}"),
            progress.BarColumn(bar_width=30),
            progress.TextColumn("{task.completed}/{task.total} cells"),
            progress.TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal or console.is_dumb_terminal,
        )
        self._running: dict[str, progress.TaskID] = {}

    def __enter__(self) -> "Steps":
        self._bars.start()
        return self

    def __exit__(self, *_) -> None:
        self._bars.stop()

    def started(self, name: str) -> None:
        """Tell that a step has started."""
        self._running[name] = self._bars.add_task(name, total=None)
        if self._bars.disable:
            self._bars.console.print(f"{name}: started")

    def advanced(self, name: str, done: int, total: int) -> None:
        """Tell that so many of a step's cells have run."""
        self._bars.update(self._running[name], completed=done, total=total)

    def ended(self, name: str, failed: bool, took: str) -> None:
        """Tell that a step has ended, in place of its bar."""
        self._bars.remove_task(self._running.pop(name))
        word = "failed" if failed else "done"
        self._bars.console.print(f"{name}: {word} in {took}")
