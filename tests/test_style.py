"""The house rules that a machine can check, on the package and on the sections."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import jupytext
import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from tests.conftest import ROOT

MODULES = sorted((ROOT / "repalign_utils").rglob("*.py"))
SECTIONS = sorted((ROOT / "notebooks").glob("*.py"))
GUIDES = sorted((ROOT / "book").glob("*.md"))
TOOLS = {
    "ruff check": ["ruff", "check", "--no-cache"],
    "ruff format": ["ruff", "format", "--check", "--no-cache"],
    "basedpyright": ["basedpyright", "--pythonpath", sys.executable],
    "import-linter": ["lint-imports", "--no-cache"],
}
LABELS = [
    re.compile(r"^\(([\w-]+)\)=$", re.M),  # of a heading
    re.compile(r"^:(?:label|name): *(\S+)$", re.M),  # of a directive
    re.compile(r"\$\$ \(([\w-]+)\)$", re.M),  # of an equation
]
DRAWING = re.compile(r"plot\w*|subplots|imshow|scatter|errorbar|hist|bar")


def _relative(path):
    return str(path.relative_to(ROOT))


every_section = pytest.mark.parametrize("path", SECTIONS, ids=_relative)


def _cells(path, kind):
    return [c for c in jupytext.read(path).cells if c.cell_type == kind]


def _code_lines(source):
    lines = [line.strip() for line in source.splitlines()]
    return sum(1 for line in lines if line and not line.startswith("#"))


def _draws(source):
    calls = [n.func for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)]
    names = [getattr(f, "attr", getattr(f, "id", "")) for f in calls]
    return any(DRAWING.fullmatch(name) for name in names)


def _figure(cell):
    return cell.metadata.get("mystnb", {}).get("figure", {})


def _labels(path):
    """Each label that a page sets, as often as it sets it."""
    if path.suffix == ".md":
        texts, figures = [path.read_text()], []
    else:
        texts = [cell.source for cell in _cells(path, "markdown")]
        figures = [_figure(cell).get("name") for cell in _cells(path, "code")]
    found = [label for text in texts for rule in LABELS for label in rule.findall(text)]
    return found + [name for name in figures if name]


@pytest.mark.parametrize("command", TOOLS.values(), ids=TOOLS)
def test_the_tools_find_nothing(command):
    tool = Path(sys.executable).with_name(command[0])
    run = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_is_something_to_check():
    assert len(MODULES) > 5 and len(SECTIONS) >= 3 and len(GUIDES) >= 3


def test_a_module_holds_one_topic():
    lines = {_relative(p): len(p.read_text().splitlines()) for p in MODULES}
    assert {name: n for name, n in lines.items() if n > 400} == {}


def test_a_function_fits_on_a_screen():
    lengths = {
        f"{_relative(path)}, {node.name}": _length(node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: n for name, n in lengths.items() if n >= 40} == {}


def _length(function):
    """Lines of a function without its docstring."""
    body = function.body[ast.get_docstring(function) is not None :] or function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_the_table_of_contents_lists_every_section():
    listed = {name for name in parse_toc_yaml(str(ROOT / "_toc.yml"))}
    pages = {name for name in listed if name.startswith("book/sections/")}
    assert pages == {f"book/sections/{path.stem}" for path in SECTIONS}


@every_section
def test_a_code_cell_can_be_read_at_a_glance(path):
    for cell in _cells(path, "code"):
        assert _code_lines(cell.source) <= 30, cell.source


@every_section
def test_parameters_are_typed_and_explained(path):
    tagged = [
        c for c in _cells(path, "code") if "parameters" in c.metadata.get("tags", [])
    ]
    assert len(tagged) == 1
    lines = [x for x in tagged[0].source.splitlines() if x and not x.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"\w+: \w+ = .+?  # \S.+", line), line


@every_section
def test_a_figure_has_a_label_a_caption_and_words_for_who_cannot_see_it(path):
    drawings = [c for c in _cells(path, "code") if _draws(c.source) or _figure(c)]
    assert drawings
    for cell in drawings:
        named = f"fig-{path.stem[:2]}-"
        assert _figure(cell).get("name", "").startswith(named), cell.source
        assert _figure(cell).get("caption"), cell.source
        assert cell.metadata["mystnb"].get("image", {}).get("alt"), cell.source


@every_section
def test_a_label_carries_the_number_of_its_section(path):
    number = path.stem[:2]
    assert [x for x in _labels(path) if not re.match(rf"[a-z]+-{number}\b", x)] == []


def test_a_label_is_set_once_in_the_book():
    count = Counter(label for path in SECTIONS + GUIDES for label in _labels(path))
    assert count.total() >= len(SECTIONS)
    assert [label for label, times in count.items() if times > 1] == []


@every_section
def test_a_section_uses_the_installed_package_alone(path):
    assert not re.search(r"sys\.path|%run|!pip|from \.|import \.", path.read_text())


@every_section
def test_the_provenance_names_the_device_used_not_the_one_asked_for(path):
    (cell,) = (c for c in _cells(path, "code") if "\nprovenance(" in f"\n{c.source}")
    assert "where" in cell.source and "device=device" not in cell.source


def test_the_picture_of_the_rooms_has_each_in_the_order_of_the_imports():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    lines = tools["importlinter"]["contracts"][0]["layers"]
    layers = [re.findall(r"(?<!\()\b\w+\b(?!\))", line) for line in lines]
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    picture = guide.partition("flowchart TD")[2].partition("```")[0]
    shown = {
        room: depth
        for depth, rooms in enumerate(layers)
        for room in rooms
        if re.search(rf"\b{room}:", picture)
    }
    assert sorted(shown) == sorted(room for rooms in layers for room in rooms)
    ids = {i: room for i, room in re.findall(r"(\w+)\[\"(\w+):", picture)}
    arrows = re.findall(r"(\w+)(?:\[.*?\])? --> (\w+)", picture)
    up = [(a, b) for a, b in arrows if shown[ids[a]] >= shown[ids[b]]]
    assert arrows and up == []
