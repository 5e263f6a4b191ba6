import nbformat

from repalign_utils.book import places


def _cell(*names, figure=""):
    metadata = {"mystnb": {"figure": {"name": figure}}} if figure else {}
    recorded = [{"repalign": {"record": {"name": name}}} for name in names]
    outputs = [
        nbformat.v4.new_output("display_data", metadata=told) for told in recorded
    ]
    return nbformat.v4.new_code_cell("x", metadata=metadata, outputs=outputs)


def test_a_quantity_belongs_to_the_figure_named_beside_it_or_to_the_nearest():
    words = nbformat.v4.new_markdown_cell
    page = nbformat.v4.new_notebook(
        cells=[
            words("## First"),
            _cell("05.before", "05.named"),
            _cell(figure="fig-one"),
            _cell("05.after"),
            words("It is {glue:text}`05.named.mean:.2f` ({numref}`fig-three`)."),
            words("## Second"),
            _cell("05.second"),
            _cell(figure="fig-two"),
            _cell("05.between"),
            _cell(figure="fig-three"),
            words("## Third"),
            _cell("05.alone"),
        ]
    )
    assert places.figures(page) == {
        "05.named": "fig-three",
        "05.before": "fig-one",
        "05.after": "fig-one",
        "05.second": "fig-two",
        "05.between": "fig-three",
        "05.alone": "fig-three",
    }
