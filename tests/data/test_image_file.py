import re

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from repalign_utils.data._image_file import content_of, readable_suffixes, rgb


def _saved(path, picture, **options):
    picture.save(path, **options)
    return rgb(path, path.read_bytes())


def _noise(*shape, seed=0, most=256, kind=np.uint8):
    return np.random.default_rng(seed).integers(0, most, shape).astype(kind)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_plain_picture_keeps_its_values(tmp_path, name, mode):
    picture = Image.fromarray(_noise(9, 7, 3)).convert(mode)
    read = _saved(tmp_path / name, picture)
    expected = Image.open(tmp_path / name).convert("RGB")
    np.testing.assert_array_equal(read, np.asarray(expected).transpose(2, 0, 1))


# numbers 1 to 8 of EXIF -> how the sensor's rows and columns make the picture
TURNS = [
    lambda a: a,
    lambda a: a[:, ::-1],
    lambda a: a[::-1, ::-1],
    lambda a: a[::-1],
    lambda a: a.transpose(1, 0, 2),
    lambda a: np.rot90(a, -1),
    lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    lambda a: np.rot90(a),
]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :16] = 250  # the corner at the top left
    options = {"lossless": True} if name == "a.webp" else {}
    read = _saved(tmp_path / name, Image.fromarray(pixels), exif=exif, **options)
    expected = TURNS[orientation - 1](pixels).transpose(2, 0, 1)
    np.testing.assert_allclose(read.astype(int), expected, atol=5)


def test_exif_that_cannot_be_read_turns_nothing(tmp_path):
    picture = Image.fromarray(_noise(8, 8, 3))
    read = _saved(tmp_path / "a.png", picture, exif=b"Exif\x00\x00no such thing")
    np.testing.assert_array_equal(read, np.asarray(picture).transpose(2, 0, 1))


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff"])
def test_what_is_transparent_lies_on_white(tmp_path, name):
    pixels = _noise(6, 5, 4)
    pixels[0, :, 3], pixels[1, :, 3] = 0, 255
    lossless = {"lossless": True, "exact": True} if name == "a.webp" else {}
    read = _saved(tmp_path / name, Image.fromarray(pixels, "RGBA"), **lossless)
    share = pixels[:, :, 3:] / 255
    expected = (pixels[:, :, :3] * share + 255 * (1 - share)).transpose(2, 0, 1)
    np.testing.assert_allclose(read, expected, atol=1)
    assert (read[:, 0] == 255).all()
    np.testing.assert_array_equal(read[:, 1], pixels[1, :, :3].T)


def _half_clear(mode):
    """Two pixels, a dark one that is clear and the same that is not, or near it."""
    dark = {"L": 10, "RGB": (10, 20, 30)}
    if mode == "LA":
        picture = Image.new("LA", (2, 1), (10, 255))
        picture.putpixel((0, 0), (10, 0))
        return picture, {}
    if mode == "I;16":
        picture = Image.fromarray(np.array([[7, 65535]], np.uint16))
        return picture, {"transparency": 7}
    if mode == "P":
        picture = Image.new("P", (2, 1), 1)
        picture.putpalette([0, 0, 0, 10, 10, 10])
        picture.putpixel((0, 0), 0)
        return picture, {"transparency": 0}
    picture = Image.new("RGB", (2, 1), "white").convert(mode)
    picture.putpixel((0, 0), dark[mode])
    return picture, {"transparency": dark[mode]}


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("I;16", "a.png"),
        ("LA", "a.png"),
        ("P", "a.png"),
        ("P", "a.gif"),
        ("L", "a.png"),
        ("RGB", "a.png"),
    ],
)
def test_clear_pixels_of_any_mode_are_white(tmp_path, mode, name):
    picture, options = _half_clear(mode)
    read = _saved(tmp_path / name, picture, **options)
    assert read[:, 0, 0].tolist() == [255] * 3
    assert read[:, 0, 1].max() == (10 if mode in ("LA", "P") else 255)


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.pgm", "a.jp2"])
def test_grey_of_sixteen_bits_is_scaled(tmp_path, name):
    values = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    read = _saved(tmp_path / name, Image.fromarray(values))
    expected = np.rint(values / 257)
    for channel in read:
        np.testing.assert_allclose(channel, expected, atol=0.5)


@pytest.mark.parametrize(
    ("bits", "white_is", "zero"),
    [(12, 4095, "black"), (16, 65535, "black"), (16, 65535, "white")],
)
def test_grey_tiff_says_what_is_black_and_what_is_white(tmp_path, bits, white_is, zero):
    values = np.array([[0, white_is // 2, white_is, 0]], np.uint16)
    content = values.astype("<u2").tobytes()
    if bits == 12:  # three bytes hold two values, the high bits first
        whole = "".join(f"{v:012b}" for v in values[0])
        content = int(whole, 2).to_bytes(6, "big")
    path = tmp_path / "a.tiff"
    path.write_bytes(_tiff(4, 1, bits, 1 if zero == "black" else 0, content))
    expected = np.rint(values / white_is * 255)
    expected = expected if zero == "black" else 255 - expected
    np.testing.assert_allclose(rgb(path, path.read_bytes())[0], expected, atol=1)


def _tiff(width, height, bits, photometric, content):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[256], tags[257], tags[258], tags[259] = width, height, bits, 1
    tags[262], tags[277], tags[278], tags[279] = photometric, 1, height, len(content)
    tags[273] = 0  # counts from the end of the tags
    return b"II*\x00\x08\x00\x00\x00" + tags.tobytes(8) + content


def test_cmyk_and_palettes_become_red_green_and_blue(tmp_path):
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = _saved(tmp_path / "a.jpg", cmyk, quality=100)
    np.testing.assert_allclose(red.mean((1, 2)), [255, 0, 0], atol=4)
    palette = Image.new("P", (2, 2))
    palette.putpalette([9, 8, 7])
    assert _saved(tmp_path / "a.png", palette)[:, 0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.tiff"])
def test_the_first_picture_of_several_is_taken(tmp_path, name):
    first, second = (Image.new("RGB", (4, 4), c) for c in ((200, 0, 0), (0, 0, 200)))
    read = _saved(tmp_path / name, first, save_all=True, append_images=[second])
    np.testing.assert_allclose(read.mean((1, 2)), [200, 0, 0], atol=3)


def test_the_content_counts_and_not_the_suffix(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(_noise(3, 4, 3)).save(path, format="WEBP")
    assert rgb(path, path.read_bytes()).shape == (3, 3, 4)


def test_a_kind_without_a_mark_is_known_by_its_suffix_alone(tmp_path):
    path = tmp_path / "a.tga"
    Image.fromarray(_noise(3, 4, 3)).save(path)
    assert rgb(path, path.read_bytes()).shape == (3, 3, 4)
    assert "is no image that" in _said(tmp_path / "a.jpg", path.read_bytes())


def test_suffixes_are_those_of_kinds_that_pillow_decodes():
    known = readable_suffixes()
    assert {".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".bmp", ".mpo"} <= known
    # only written, or shown by another program, or known by name alone
    assert known.isdisjoint({".pdf", ".eps", ".h5", ".mpg", ".txt", ".heic"})


def _said(path, content):
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        rgb(path, content)
    assert "BytesIO" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value).removeprefix(f"{path} ")


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.tiff", "a.tga"]
)
def test_a_damaged_file_says_so_and_an_empty_one_that_it_is_empty(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(_noise(40, 40, 3)).save(path)
    whole = path.read_bytes()
    cut = _said(path, whole[: len(whole) // 2])
    assert re.search(
        r"^is (damaged \(.+\);|no image that .+,) get it anew or take", cut
    )
    assert "(it is empty); save it as PNG, get it anew or take it out of" in _said(
        path, b""
    )
    text = _said(path, b"<!DOCTYPE html><html>not found")
    assert "is no image that Pillow can read, or damaged at its head (it begins" in text
    assert "b'<!DOCTYPE ht'); save it as PNG, get it anew" in text


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_flipped_byte_is_noticed_with_the_file_or_not_at_all(tmp_path, name):
    path, noticed = tmp_path / name, 0
    Image.fromarray(_noise(5, 5, 3)).save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 1 + len(whole) // 200):
        flipped = bytes([whole[place] ^ 255])
        try:
            rgb(path, whole[:place] + flipped + whole[place + 1 :], 4)
        except ValueError as error:
            assert str(error).startswith(f"{path} is ")
            noticed += 1
    assert noticed > 20


def test_damage_behind_the_first_part_of_a_large_image_is_noticed(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(_noise(200, 200, 3)).save(path)
    head, first, second = path.read_bytes().split(b"IDAT")[:3]
    said = _said(path, head + b"IDAT" + first + bytes(4) + second)
    assert said.startswith("is damaged (broken PNG")


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_a_whole_file_of_a_kind_without_a_scale_is_not_called_damaged(tmp_path, kind):
    path = tmp_path / "a.tiff"
    Image.fromarray(np.full((4, 4), 7, kind)).save(path)
    said = _said(path, path.read_bytes())
    mode = "F" if kind == np.float32 else "I"
    assert said.startswith("is of a kind that is not read: its pixels are ")
    assert f"(Pillow's mode {mode}), of which nothing says what is black" in said
    assert said.endswith("; save it as PNG or take it out of the folder")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    link = tmp_path / "a.png"
    link.symlink_to("gone.png")
    text = f"{link} links to nothing, gone.png is not there; restore that or take it"
    with pytest.raises(ValueError, match=re.escape(text)):
        content_of(link)
    absent = tmp_path / "b.png"
    text = f"{absent} cannot be read (No such file or directory); restore it or take"
    with pytest.raises(ValueError, match=re.escape(text)):
        content_of(absent)
