import pytest

from repalign_utils.book import notebooks
from repalign_utils.book.paths import SectionError
from tests import miniature


@pytest.mark.parametrize("cells, count", [("", 0), ("\n\n".join(["x"] * 2), 2)])
def test_a_section_needs_one_parameters_cell(tmp_path, cells, count):
    cells = cells.replace("x", '# %% tags=["parameters"]\nn: int = 1  # rows')
    path = tmp_path / "07_odd.py"
    path.write_text(f"{miniature.HEADER}\n# %% [markdown]\n# # Odd\n\n{cells}\n")
    with pytest.raises(
        SectionError, match=rf"^07_odd\.py has {count} cells tagged 'parameters'; it ne"
    ):
        notebooks.read_section(path)
