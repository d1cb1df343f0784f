"""Pictures from outside: what is taken, what is refused, and in which words."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import PictureError
from core.images import HEAD_BYTES, decode_picture, fit_picture, picture_kind, shorten


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def two_colours(width: int = 6, height: int = 4) -> Image.Image:
    """Left half red, right half blue, the first row green: no symmetry."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    pixels[0] = (0, 255, 0)
    return Image.fromarray(pixels)


TURNED = Image.Exif()
TURNED[0x0112] = 6
SEEDS = [
    *(encoded(two_colours(), kind, exif=TURNED) for kind in ("PNG", "JPEG", "WEBP")),
    *(
        encoded(two_colours(), kind, save_all=True, append_images=[Image.new("RGB", (6, 4))])
        for kind in ("PNG", "GIF")
    ),
    encoded(two_colours().convert("P"), "BMP"),
    encoded(two_colours().convert("LA")),
]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_lossless_formats_come_out_as_they_were(kind: str) -> None:
    settings = {"lossless": True} if kind == "WEBP" else {}
    picture = decode_picture(encoded(two_colours(), kind, **settings), "x")
    np.testing.assert_array_equal(picture.pixels, np.asarray(two_colours()))
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (encoded(two_colours(), "PPM"), "not a picture in PNG, JPEG, WebP, BMP, GIF, TIFF or AVIF format"),
        (b"GIF89a", "cannot be decoded: its data is damaged"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "is a HEIC photo, which is not read. Save it as JPEG."),
        (b"BMWs are cars, and this is a text.", "not a picture"),
        (encoded(Image.fromarray(np.full((9, 9), 0.5, np.float32)), "TIFF"), "holds fractions"),
        (encoded(Image.fromarray(np.full((9, 9), 70_000, np.int32)), "TIFF"), "numbers beyond 16 bits"),
        (encoded(two_colours(60, 60), "JPEG")[:400], "cannot be decoded"),
        (encoded(two_colours(60, 60))[:90], "cannot be decoded"),
        (encoded(Image.new("1", (5001, 5000))), "at most 25 are allowed"),
        (encoded(Image.new("L", (1000, 1))), "too long and thin"),
        (encoded(Image.new("L", (10_000, 1))), "10000×1"),
        (encoded(Image.new("1", (6000, 6000))), "36 million pixels"),
    ],
)
def test_what_is_refused_is_refused_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(PictureError) as caught:
        decode_picture(data, "holiday.png")
    assert str(caught.value).startswith("holiday.png")
    assert words in str(caught.value)


def test_a_bomb_is_refused_from_its_header() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(PictureError, match=r"million pixels"):
        decode_picture(bomb, "bomb.png")


def scans(count: int, side: int = 40) -> bytes:
    """A progressive JPEG of `count` scans: its last one again and again."""
    data = encoded(Image.new("L", (side, side), 100), "JPEG", progressive=True)
    begin = data.rfind(b"\xff\xda")
    return data[:-2] + data[begin:-2] * (count - data.count(b"\xff\xda")) + b"\xff\xd9"


def test_a_jpeg_of_many_scans_is_refused_without_being_decoded(monkeypatch) -> None:
    assert decode_picture(scans(32), "x.jpg").pixels.shape == (40, 40, 3)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("The pixels were decoded."))
    for count in (33, 700):
        with pytest.raises(PictureError, match=f"holiday.jpg is a JPEG with {count} scans; at most 32"):
            decode_picture(scans(count), "holiday.jpg")
    # Bytes that may stand before a marker do not hide it.
    with pytest.raises(PictureError, match="40 scans"):
        decode_picture(scans(40).replace(b"\xff\xda", b"\xff\xff\xff\xda"), "x.jpg")


def test_what_is_not_decoded_holds_no_scans() -> None:
    """Metadata and what follows the picture: a thumbnail, a phone's second picture or its film."""
    data = encoded(two_colours(64, 64), "JPEG", progressive=True)
    many = b"\xff\xda\x00\x08" * 1000
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(many)) + many
    expected = decode_picture(data, "x.jpg").pixels
    for changed in (data[:2] + comment + data[2:], data + many):
        np.testing.assert_array_equal(decode_picture(changed, "x.jpg").pixels, expected)


def test_large_pictures_are_refused_without_being_decoded(monkeypatch) -> None:
    def decode(*_: object) -> None:
        pytest.fail("The pixels were decoded.")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    with pytest.raises(PictureError, match="36 million"):
        decode_picture(encoded(Image.new("1", (6000, 6000))), "x.png")


def test_files_beyond_the_limit_are_refused_unread(monkeypatch) -> None:
    monkeypatch.setattr("core.images.MAX_FILE_BYTES", 1_000_000)
    with pytest.raises(PictureError, match=r"x\.png is larger than 1 MB"):
        decode_picture(b"x" * 1_000_001, "x.png")


def test_the_content_counts_and_not_the_name() -> None:
    picture = decode_picture(encoded(two_colours(), "BMP"), "holiday.jpeg")
    np.testing.assert_array_equal(picture.pixels, np.asarray(two_colours()))


def test_a_jpeg_comes_out_nearly_as_it_was() -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    pixels = decode_picture(encoded(image, "JPEG", quality=95), "x.jpg").pixels
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 3


@pytest.mark.parametrize(
    ("size", "enough", "expected"),
    [((1600, 1200), 512, (600, 800)), ((1600, 1200), 700, (1200, 1600)), ((1600, 1200), 100, (150, 200))],
)
def test_a_large_jpeg_is_decoded_as_far_as_it_is_needed(size, enough: int, expected) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    data = encoded(
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), "JPEG", quality=90, exif=TURNED
    )
    whole, part = decode_picture(data, "x.jpg"), decode_picture(data, "x.jpg", enough)
    assert whole.pixels.shape == (*size, 3)  # turned by a quarter
    assert part.pixels.shape == (*reversed(expected), 3)
    seen, wanted = (fit_picture(each.pixels, (32, 32, 3)).astype(int) for each in (part, whole))
    if min(expected) >= 512:
        assert np.abs(seen - wanted).max() <= 6
        assert np.abs(seen - wanted).mean() < 1.0


def test_only_a_jpeg_can_be_decoded_in_part() -> None:
    np.testing.assert_array_equal(
        decode_picture(encoded(two_colours(64, 64)), "x.png", 8).pixels, np.asarray(two_colours(64, 64))
    )


def test_one_pixel_is_a_picture() -> None:
    pixels = decode_picture(encoded(Image.new("RGB", (1, 1), "red")), "x.png").pixels
    assert pixels.tolist() == [[[255, 0, 0]]]
    for crop in ("center", "pad", "stretch"):
        assert (fit_picture(pixels, (8, 8, 3), crop) == (255, 0, 0)).all()


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    picture = decode_picture(encoded(image), "x.png")
    assert (picture.pixels == 255).all()
    assert any("white" in note for note in picture.notes)
    assert decode_picture(encoded(Image.new("RGBA", (4, 4), (9, 8, 7, 255))), "x.png").notes == ()


@pytest.mark.parametrize("values", [[0, 200], [0, 300], [1000, 1000], [300, 60_000], [0, 65_535]])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_have_one_scale(kind: str, values: list[int]) -> None:
    """The same number is the same grey, whatever else the picture holds: 65,535 is 255, and half of it half."""
    picture = decode_picture(encoded(Image.fromarray(np.array([values] * 2, np.uint16)), kind), "x")
    assert picture.pixels[0, :, 0].tolist() == [round(value / 65_535 * 255) for value in values]
    assert picture.notes == ("16 bits per pixel: the range from 0 to 65,535 became 0 to 255.",)


def test_eight_and_sixteen_bits_of_a_picture_look_the_same() -> None:
    ramp = np.linspace(20, 120, 64).reshape(8, 8).astype(np.uint8)
    eight = decode_picture(encoded(Image.fromarray(ramp)), "x").pixels
    sixteen = decode_picture(encoded(Image.fromarray(ramp.astype(np.uint16) * 257)), "x").pixels
    np.testing.assert_array_equal(eight, sixteen)


@pytest.mark.parametrize("factor", [1, 257])
def test_a_transparent_grey_is_white(factor: int) -> None:
    values = np.full((16, 16), 20, np.uint8)
    values[:, :8] = 200
    image = Image.fromarray(values if factor == 1 else values.astype(np.uint16) * factor)
    picture = decode_picture(encoded(image, transparency=20 * factor), "x.png")
    assert picture.pixels[0, [0, 15], 0].tolist() == [200, 255]
    assert "Transparent parts are shown on white." in picture.notes


def test_a_rare_bitmap_is_not_called_damaged() -> None:
    data = bytearray(encoded(Image.new("RGB", (8, 8)), "BMP"))
    data[28:30] = (2).to_bytes(2, "little")  # bits per pixel
    with pytest.raises(
        PictureError, match=r"^x\.bmp is a BMP of a kind that is not read\. Save it as PNG\.$"
    ):
        decode_picture(bytes(data), "x.bmp")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "WebP"), ("BMP", "BMP"), ("GIF", "GIF"), ("TIFF", "TIFF"),
        ("AVIF", "AVIF"), ("PPM", None), ("ICO", None),
    ],
)  # fmt: skip
def test_the_kind_is_told_by_the_content(kind: str, name: str | None) -> None:
    assert picture_kind(encoded(two_colours(16, 16), kind)[:HEAD_BYTES]) == name


def test_an_avif_under_another_major_brand_is_one() -> None:
    """As some cameras write them: `mif1`, with `avif` among the compatible brands."""
    data = encoded(two_colours(64, 64), "AVIF")
    assert data[8:12] == b"avif"
    other = data[:8] + b"mif1" + data[12:]
    assert picture_kind(other[:HEAD_BYTES]) == "AVIF"
    assert decode_picture(other, "x.avif").pixels.shape == (64, 64, 3)


def test_the_first_page_of_several_counts() -> None:
    pages = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    picture = decode_picture(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "x.tif")
    assert (picture.pixels == (255, 0, 0)).all()
    assert picture.notes == ("Several pages: the first page is used.",)


@pytest.mark.parametrize(
    ("size", "enough", "expected"),
    [
        ((8064, 6048), 512, (756, 1008)),  # a phone's 48 million pixels
        ((12000, 3000), 512, (750, 3000)),  # a panorama
        ((8064, 6048), 4096, (3024, 4032)),  # more would be enough than may be decoded
        ((8064, 6048), None, (3024, 4032)),
    ],
)
def test_large_photos_are_decoded_smaller(size, enough: int | None, expected) -> None:
    pixels = decode_picture(encoded(Image.new("RGB", size, (90, 120, 60)), "JPEG"), "x.jpg", enough).pixels
    assert pixels.shape == (*expected, 3)
    assert np.abs(pixels[::50, ::50].astype(int) - (90, 120, 60)).max() <= 2


def test_a_photo_beyond_all_cameras_is_refused_from_its_header() -> None:
    data = bytearray(encoded(Image.new("L", (80, 80)), "JPEG"))
    frame = data.find(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 13_000, 13_000)
    with pytest.raises(PictureError, match="169 million pixels; at most 150 are allowed"):
        decode_picture(bytes(data), "x.jpg", 512)


def test_the_larger_a_photo_the_fewer_scans(monkeypatch) -> None:
    monkeypatch.setattr("core.images.MAX_SCANNED_PIXELS", 20 * 40 * 40)
    assert decode_picture(scans(20), "x.jpg").pixels.shape == (40, 40, 3)
    with pytest.raises(PictureError, match="21 scans; at most 20 are decoded"):
        decode_picture(scans(21), "x.jpg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_other_modes_become_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert decode_picture(encoded(two_colours(16, 16).convert(mode), kind), "x").pixels.shape == (16, 16, 3)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (5, 5), color) for color in ("red", "blue")]
    picture = decode_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), "x.gif")
    assert (picture.pixels == (255, 0, 0)).all()
    assert any("first frame" in note for note in picture.notes)


def test_animations_are_not_walked_through(monkeypatch) -> None:
    # Counting the frames of a GIF takes 6 s for 15 MB of tiny ones.
    monkeypatch.setattr(
        "PIL.GifImagePlugin.GifImageFile.n_frames", property(lambda _: pytest.fail("Counted."))
    )
    frames = [Image.new("RGB", (5, 5), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_picture(data, "x.gif").notes


def test_a_photo_with_a_second_picture_in_it_is_no_animation() -> None:
    # Phones write such JPEGs: a preview, or what a second lens saw.
    data = encoded(two_colours(16, 16), "MPO", save_all=True, append_images=[two_colours(16, 16)])
    assert decode_picture(data, "x.jpg").notes == ()


@pytest.mark.parametrize(
    "exif", [b"Exif\x00\x00", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", b"Exif\x00\x00II*\x00\x08"]
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_broken_exif_does_not_spoil_the_picture(kind: str, exif: bytes) -> None:
    assert decode_picture(encoded(two_colours(16, 16), kind, exif=exif), "x").pixels.shape == (16, 16, 3)


@given(st.data())
def test_damaged_files_are_decoded_or_refused_in_words(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_picture(bytes(damaged[: data.draw(st.integers(20, len(damaged)))]), "x.png")
    except PictureError as error:
        assert str(error).startswith("x.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation: int) -> None:
    upright = two_colours()
    # What a camera stores for each orientation: the inverse of what a viewer has to do.
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180], 4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90], 7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    stored = upright
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode_picture(encoded(stored, exif=exif), "x.png")
    np.testing.assert_array_equal(picture.pixels, np.asarray(upright))


def test_fitting_keeps_the_middle_everything_or_stretches() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 200
    assert (fit_picture(pixels, (20, 20, 3), "center") == 200).all()
    padded = fit_picture(pixels, (20, 20, 3), "pad")
    assert padded[10, 10, 0] == 200 and padded[0, 10, 0] < 200
    stretched = fit_picture(pixels, (20, 20, 3), "stretch")
    assert stretched[10, 0, 0] == 0 and stretched[10, 10, 0] == 200
    for crop in ("center", "pad", "stretch"):
        assert fit_picture(pixels, (28, 20, 3), crop).shape == (28, 20, 3)
        assert fit_picture(pixels, (28, 20, 1), crop).shape == (28, 20, 1)
    # ITU-R 601: pure green counts 0.587.
    green = np.full((9, 9, 3), (0, 255, 0), np.uint8)
    assert (fit_picture(green, (8, 8, 1)) == 150).all()
    with pytest.raises(ValueError, match="crop"):
        fit_picture(pixels, (20, 20, 3), "round")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../a/b.png", "b.png"),
        ("C:\\x\\y.png", "y.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("", "A file"),
        ("x" * 99, "x" * 57 + "…"),
    ],
)
def test_names_are_fit_for_a_sentence(name: str, shown: str) -> None:
    assert shorten(name) == shown
