import io

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex, to_rgb

from repalign_utils import figures
from repalign_utils.statistics import interval

matplotlib.use("Agg")
X = np.linspace(0, 1, 5)


@pytest.fixture(autouse=True)
def _as_it_was():
    with matplotlib.rc_context():
        yield
    plt.close("all")


def _curves(names="abcdef", seeds=3):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(seeds, len(X))) for name in names}


def _style(line):
    # _unscaled: the pattern of dashes itself, whatever the width of the line
    return to_hex(line.get_color()), line._unscaled_dash_pattern


def test_a_curve_is_the_mean_over_seeds_with_a_band_over_all():
    curves = _curves("ab")
    ax = figures.new_axes()
    ax.axhline(0)  # bands and lines no longer count in step
    ax.plot(X, X)
    figures.plot_curves(curves, X, ax=ax)
    for values, line, band in zip(
        curves.values(), ax.lines[2:], ax.collections, strict=True
    ):
        np.testing.assert_allclose(line.get_xdata(), X)
        np.testing.assert_allclose(line.get_ydata(), values.mean(0))
        corners = band.get_paths()[0].vertices
        for x, column in zip(X, values.T, strict=True):
            heights = corners[np.isclose(corners[:, 0], x), 1]
            assert heights.min() == pytest.approx(column.min())
            assert heights.max() == pytest.approx(column.max())
        assert to_rgb(band.get_facecolor()[0]) == to_rgb(line.get_color())
        assert band.get_facecolor()[0][3] < 0.5  # what lies below shows through


def test_one_curve_per_name_has_no_band():
    ax = figures.plot_curves({"a": X**2, "b": [X]}, X)
    assert len(ax.lines) == 2 and not ax.collections
    np.testing.assert_allclose(ax.lines[0].get_ydata(), X**2)


def test_a_curve_of_steps_holds_each_value_from_the_threshold_before():
    ax = figures.plot_curves(_curves("a"), X, chance=X, steps=True)
    for line, values in zip(ax.lines, (_curves("a")["a"].mean(0), X), strict=True):
        x, y = line.get_path().vertices.T  # with the corners
        middle = (X[:-1] + X[1:]) / 2
        between = [y[(x >= m).argmax()] for m in middle]
        np.testing.assert_allclose(between, values[1:])


def test_the_legend_names_every_series_and_the_axes_say_what_they_show():
    ax = figures.plot_curves(_curves("ab"), X)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_xlabel() == "threshold"
    assert ax.get_ylabel() == "captured target share"
    assert ax.get_title() == ""


def test_panels_that_share_an_axis_name_it_at_the_edge_alone():
    grid = figures.new_axes(2, rows=2, sharex=True, sharey=True)
    for ax in grid.flat:
        figures.plot_curves(_curves("a"), X, ax=ax, xlabel="x", ylabel="y")
    assert [ax.get_xlabel() for ax in grid.flat] == ["", "", "x", "x"]
    assert [ax.get_ylabel() for ax in grid.flat] == ["y", "", "y", ""]
    grid = figures.new_axes(2, rows=2, sharey="col")
    for ax in grid.flat:
        figures.plot_curves(_curves("a"), X, ax=ax, ylabel="y")
    assert [ax.get_ylabel() for ax in grid.flat] == ["y"] * 4
    for ax in figures.new_axes(2, rows=2).flat:  # each with axes of its own
        figures.plot_intervals({"a": {"b": [1, 2]}}, ax=ax, xlabel="x", ylabel="y")
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    ax = figures.new_axes().figure.add_axes((0, 0, 1, 1))  # in no grid
    figures.plot_curves(_curves("a"), X, ax=ax, xlabel="x", legend=False)
    assert ax.get_xlabel() == "x" and ax.get_legend() is None


def test_series_differ_in_colour_and_in_line_style():
    lines = figures.plot_curves(_curves(), X).lines
    colours, dashes = zip(*map(_style, lines), strict=True)
    assert len(set(colours)) == len(set(map(str, dashes))) == len(lines) == 6


def test_the_colours_can_be_told_from_white_and_from_black():
    def luminance(colour):
        c = np.array(to_rgb(colour))
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for line in figures.plot_curves(_curves(), X).lines:
        here = luminance(line.get_color())
        assert 1.05 / (here + 0.05) >= 2.5 and (here + 0.05) / 0.05 >= 2.5


def test_the_axes_given_are_drawn_on_and_returned():
    _, (left, right) = plt.subplots(1, 2)
    assert figures.plot_curves(_curves("a"), X, ax=right) is right
    assert figures.plot_intervals({"a": {"x": [1, 2]}}, ax=right) is right
    assert not left.lines
    assert len(plt.get_fignums()) == 1


def test_intervals_stand_side_by_side_per_category_within_their_range():
    rng = np.random.default_rng(0)
    groups = {
        "before": {"true": rng.beta(1, 9, 5), "shuffled": rng.beta(1, 9, 12)},
        "after": {"true": rng.beta(9, 1, 9), "shuffled": rng.beta(9, 1, 30)},
    }
    ax = figures.plot_intervals(groups, within=(0, 1))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["true", "shuffled"]
    assert [c.get_label() for c in ax.containers] == ["before", "after"]
    for values, drawn in zip(groups.values(), ax.containers, strict=True):
        points, _, (bars,) = drawn
        for i, found in enumerate(interval(v, within=(0, 1)) for v in values.values()):
            x, mean = points.get_xdata()[i], points.get_ydata()[i]
            assert abs(x - i) < 0.5 and mean == found.mean
            (_, low), (_, high) = bars.get_segments()[i]
            assert (low, high) == pytest.approx((found.low, found.high))
    first, second = (c[0] for c in ax.containers)
    assert (first.get_xdata() < second.get_xdata()).all()
    assert first.get_marker() != second.get_marker()


def test_up_to_ten_seeds_each_is_a_dot_and_below_five_there_is_no_bar():
    groups = {
        "a": {"x": [1, 2], "y": [1, 2, 3, 3, 3]},
        "b": {"x": [0] * 10, "y": [0.5] * 11},
    }
    ax = figures.plot_intervals(groups)
    means = {line for c in ax.containers for line in (c[0], *c[1])}
    dots = [line for line in ax.lines if line not in means]
    assert [line.get_ydata().tolist() for line in dots] == [
        [1, 2],
        [1, 2, 3, 3, 3],
        [0] * 10,
    ]
    (a, _, (bars,)), (b, *_) = ax.containers
    of_two, of_five = bars.get_segments()
    assert not len(of_two) and np.isfinite(of_five).all() and len(of_five)
    for x, line in zip(range(2), dots, strict=False):  # between its series and the next
        assert (a.get_xdata()[x] < line.get_xdata()).all()
        assert (line.get_xdata() < b.get_xdata()[x]).all()
        assert len(set(line.get_xdata())) == len(line.get_xdata())
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]


def test_a_single_value_has_no_bar_and_a_single_series_stands_on_its_tick():
    ax = figures.plot_intervals({"a": {"x": [0.5], "y": [1, 3]}})
    points, _, (bars,) = ax.containers[0]
    np.testing.assert_allclose(points.get_xdata(), [0, 1])
    assert not any(map(len, bars.get_segments()))


def test_new_axes_have_the_style_of_the_book():
    ax = figures.new_axes()
    assert ax.figure.get_facecolor()[3] == 0  # transparent
    assert ax.get_facecolor()[3] == 0
    assert not ax.spines["top"].get_visible()
    assert matplotlib.rcParams["savefig.transparent"]


def test_the_axes_of_a_grid_share_what_they_are_told_to():
    axes = figures.new_axes(3, sharey=True)
    assert axes.shape == (3,) and len({ax.figure for ax in axes}) == 1
    axes[0].set_ylim(0, 7)
    assert axes[2].get_ylim() == (0, 7)
    assert figures.new_axes(2, rows=3).shape == (3, 2)


def test_no_text_of_narrow_panels_is_below_nine_pixels_on_a_phone():
    above, below = figures.new_panels(2, sharex=True)
    figures.plot_curves(_curves("ab"), X, ax=above, legend="above", chance=0 * X)
    values = np.linspace(0, 1, 196).reshape(14, 14)
    names = [f"fc{i}" for i in range(14)]
    figures.plot_layer_matrix(values, rows=names, ax=below)
    above.figure.draw_without_rendering()
    points_to_pixels = 342 / (72 * above.figure.get_figwidth())
    texts = above.figure.findobj(matplotlib.text.Text)
    sizes = {text.get_size() for text in texts if text.get_text()}
    assert min(sizes) * points_to_pixels >= 9


def test_a_legend_above_the_axes_covers_no_data():
    ax = figures.plot_curves(_curves("abcd"), X, legend="above")
    ax.figure.draw_without_rendering()
    legend = ax.get_legend()
    assert legend and legend.get_window_extent().y0 >= ax.get_window_extent().y1


def test_a_logarithmic_axis_is_marked_at_one_two_and_five():
    ax = figures.new_panels()
    ax.set_ylim(0.04, 3)
    figures.log_axis(ax, "y")
    ax.figure.draw_without_rendering()
    named = [float(t.get_text()) for t in ax.get_yticklabels()]
    assert set(named) >= {0.05, 0.1, 0.2, 0.5, 1, 2}
    assert not len(ax.yaxis.get_minorticklocs())


@pytest.mark.parametrize("last", [3, 12, 40, 300])
def test_an_axis_of_counts_is_marked_at_whole_numbers(last):
    ax = figures.new_panels()
    ax.plot([0, last], [0, 1])
    figures.count_axis(ax)
    step = np.diff(ax.get_xticks())
    assert (ax.get_xticks() % 1 == 0).all() and len(step) >= 2
    assert step[0] / 10 ** np.floor(np.log10(step[0])) in (1, 2, 5)


def test_the_same_numbers_give_the_same_file():
    def drawn():
        ax = figures.plot_curves(_curves("ab"), X)
        file = io.BytesIO()
        ax.figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    assert drawn() == drawn()


def test_drawing_outside_a_notebook_starts_no_shell():
    from IPython.core.interactiveshell import InteractiveShell

    figures.use_style()
    assert not InteractiveShell.initialized()


def test_images_stand_in_rows_and_the_ground_shows_between_them():
    rows = [
        np.full((3, 3, 12, 12), 200, np.uint8),
        np.full((2, 1, 12, 12), 90, np.uint8),
    ]
    ax = figures.plot_images(rows)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (25, 38, 4)
    assert (
        sheet[:12, 26:38] == [200, 200, 200, 255]
    ).all()  # the third of the first row
    assert (sheet[13:, 13:25] == [90, 90, 90, 255]).all()  # a grey one has one channel
    assert (sheet[13:, 26:, 3] == 0).all() and (sheet[12, :, 3] == 0).all()
    assert not ax.axison


@pytest.mark.parametrize(("count", "numbers"), [(3, 9), (12, 0), (90, 0)])
def test_a_matrix_of_layers_starts_at_the_bottom_left_and_names_them(count, numbers):
    values = np.linspace(0, 1, count * count).reshape(count, count)
    names = [f"layer{i}.conv" for i in range(count)]
    ax = figures.plot_layer_matrix(values, rows=names, label="CKA", xlabel="later")
    (image,) = ax.images
    assert np.array_equal(image.get_array(), values) and image.get_clim() == (0, 1)
    corner = ax.transData.transform((0, 0))
    assert (corner < ax.transData.transform((count - 1, count - 1))).all()
    assert len(ax.texts) == numbers and ax.get_xlabel() == "later"
    ax.figure.draw_without_rendering()
    for labels, side in ((ax.get_xticklabels(), 0), (ax.get_yticklabels(), 1)):
        shown = [text.get_text() for text in labels]
        places = [round(text.get_position()[side]) for text in labels]
        assert shown == [names[place] for place in places] and shown[0] == names[0]
        boxes = [text.get_window_extent() for text in labels]
        assert not any(a.overlaps(b) for a, b in zip(boxes, boxes[1:], strict=False))
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_ylabel() == "CKA"


def test_the_colours_of_a_matrix_go_from_dark_to_light_for_every_eye():
    ax = figures.plot_layer_matrix(
        [np.linspace(0, 1, 9)], rows="a", columns="abcdefghi"
    )
    colours = ax.images[0].to_rgba(np.linspace(0, 1, 9))[:, :3]
    assert (np.diff(colours @ [0.2126, 0.7152, 0.0722]) > 0).all()
    numbers = figures.plot_layer_matrix([[0, 1]], rows="a", columns="ab").texts
    assert [text.get_color() for text in numbers] == ["white", "black"]


def test_a_matrix_shows_missing_pairs_values_beyond_its_range_and_chance():
    values = np.array([[1, np.nan], [-0.2, 0.5]])
    ax = figures.plot_layer_matrix(values, rows="ab", chance=[[0.1, 0.3], [0.2, 0.2]])
    assert [text.get_text() for text in ax.texts] == ["1.00", "-0.20", "0.50"]
    bar = ax.images[0].colorbar
    assert bar is not None and bar.extend == "min"
    assert [text.get_text() for text in bar.ax.texts] == ["chance"]
    ends = {y for line in bar.ax.collections[-1].get_segments() for _, y in line}
    assert ends == {0.1, 0.3}
    bare = figures.plot_layer_matrix(values, rows="ab", legend=False, numbers=False)
    assert bare.figure.axes == [bare] and not bare.texts


def test_a_matrix_has_a_name_for_each_row_and_column():
    with pytest.raises(
        ValueError, match=r"\(2, 3\) but .* 2 names of rows and 2 of col"
    ):
        figures.plot_layer_matrix(np.zeros((2, 3)), rows="ab")
