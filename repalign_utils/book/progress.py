"""What one sees of a build: bars on a terminal, a line for each event elsewhere."""

from typing import Protocol, TextIO


class Display(Protocol):
    """How a build is told about; a context manager."""

    def started(self, name: str) -> None:
        """Tell that a step has started."""

    def advanced(self, name: str, done: int, total: int) -> None:
        """Tell that so many of a step's cells have run."""

    def ended(self, name: str, failed: bool, took: str) -> None:
        """Tell that a step has ended."""

    def __enter__(self) -> "Display": ...
    def __exit__(self, *_) -> None: ...


def display(stream: TextIO) -> Display:
    """Bars if the stream is a terminal that can redraw lines, else plain lines."""
    from rich.console import Console

    console = Console(file=stream, highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return _Bars(console)
    return _Lines(stream)


class _Lines:
    def __init__(self, stream: TextIO):
        self._stream = stream

    def started(self, name: str) -> None:
        print(f"{name}: started", file=self._stream, flush=True)

    def advanced(self, name: str, done: int, total: int) -> None:
        pass  # a file is read afterwards

    def ended(self, name: str, failed: bool, took: str) -> None:
        word = "failed" if failed else "done"
        print(f"{name}: {word} in {took}", file=self._stream, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        pass


class _Bars:
    """One line a step: its name, a bar, cells run of all, and the time."""

    def __init__(self, console):
        from rich import progress

        self._bars = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=30),
            progress.TextColumn("{task.fields[told]:>12}"),
            progress.TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, progress.TaskID] = {}

    def started(self, name: str) -> None:
        self._tasks[name] = self._bars.add_task(f"{name:<24}", total=None, told="")

    def advanced(self, name: str, done: int, total: int) -> None:
        told = f"{done}/{total} cells"
        self._bars.update(self._tasks[name], completed=done, total=total, told=told)

    def ended(self, name: str, failed: bool, took: str) -> None:
        task = self._tasks[name]
        if failed:
            self._bars.update(task, told="failed")
        else:
            total = self._bars.tasks[task].total or 1
            self._bars.update(task, completed=total, total=total)
        self._bars.stop_task(task)

    def __enter__(self):
        self._bars.start()
        return self

    def __exit__(self, *_) -> None:
        self._bars.stop()
