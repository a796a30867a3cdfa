"""Headers of the four formats, by property: the size that was written is read, and no other."""

import mimetypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.picture import PictureHeader, header_of, read_header, sku_problem
from helpers.pictures import exif, frame, jpeg, png, segment, tiff, webp, webp_extended, webp_lossless, webp_lossy

side = st.integers(1, 0xFFFF)
short_side = st.integers(1, 0x3FFF)
orders = st.sampled_from("<>")
numbers = st.sampled_from([3, 4])
# Everything that can stand before a frame: comments, EXIF with its thumbnail, tables, restarts, bytes that fill.
markers = st.sampled_from([0xE0, 0xE2, 0xED, 0xFE, 0xDB, 0xC4, 0xCC])
segments = st.lists(
    st.builds(segment, markers, st.binary(max_size=99), st.integers(0, 3))
    | st.builds(exif, side, side)
    | st.sampled_from([b"\xff\xd0", b"\xff\x01", segment(0xE2, b"\xff" * 65533)]),
    max_size=5,
)
other_tags = st.dictionaries(st.sampled_from([254, 259, 305]), st.tuples(numbers, side))
frames = st.sampled_from([code for code in range(0xC0, 0xD0) if code not in {0xC4, 0xC8, 0xCC}])
EXAMPLES = {
    "PNG": png(1500, 900),
    "baseline JPEG": jpeg(1500, 900),
    "progressive JPEG behind EXIF": jpeg(1500, 900, [exif()], sof=0xC2),
    "little-endian TIFF": tiff("<", {256: (3, 1500), 257: (4, 900)}),
    "big-endian TIFF": tiff(">", {256: (3, 1500), 257: (4, 900)}),
    "TIFF whose directory stands last": tiff("<", {254: (4, 0), 256: (4, 1500), 257: (3, 900)}, at=500),
    "lossy WebP": webp_lossy(1500, 900),
    "lossless WebP": webp_lossless(1500, 900),
    "extended WebP": webp_extended(1500, 900),
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_form_says_its_size(kind):
    found = header_of(EXAMPLES[kind])
    assert (found.format, found.width, found.height, found.longer_side) == (found.format, 1500, 900, 1500)
    assert found.format in kind


@pytest.mark.parametrize("kind", EXAMPLES)
def test_cut_anywhere_it_says_the_truth_or_nothing(kind):
    whole = EXAMPLES[kind]
    sizes = []
    for end in range(len(whole)):
        found = header_of(whole[:end])
        assert found is None or found.format in kind
        sizes.append(None if found is None else found.longer_side)
    assert set(sizes) <= {None, 1500}
    assert sizes == sorted(sizes, key=lambda size: size is not None), "more bytes never say less"


@given(segments, frames, side, side, st.binary(max_size=20))
def test_a_jpeg_is_as_large_as_its_frame_says(before, sof, width, height, body):
    assert header_of(jpeg(width, height, before or [b"\xff\xfe\0\2"], sof, body)) == PictureHeader(
        "JPEG", width, height
    )


@given(
    orders,
    numbers,
    numbers,
    side,
    side,
    st.integers(8, 300),
    st.dictionaries(st.sampled_from([254, 259, 305]), st.tuples(numbers, side)),
)
def test_a_tiff_is_as_large_as_its_tags_say(order, one, other, width, height, at, more):
    data = tiff(order, {**more, 256: (one, width), 257: (other, height)}, at)
    assert header_of(data) == PictureHeader("TIFF", width, height)


@given(short_side, short_side, st.integers(0, 3))
def test_a_webp_is_as_large_as_its_first_chunk_says(width, height, more):
    size = PictureHeader("WebP", width, height)
    assert header_of(webp_lossy(width, height, more)) == size
    assert header_of(webp_lossless(width, height, more)) == size
    assert header_of(webp_extended(width, height, more)) == size
    assert header_of(webp_extended(width * 1000, height)) == PictureHeader("WebP", width * 1000, height)


@given(st.integers(1, 2**31), st.integers(1, 2**31), st.binary(max_size=9))
def test_a_png_is_as_large_as_its_first_chunk_says(width, height, body):
    assert header_of(png(width, height, body)) == PictureHeader("PNG", width, height)


STARTS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0",
    b"MM\0*",
    b"II+\0\x08\0\0\0",
    b"RIFF\0\0\0\0WEBP",
    b"RIFF\0\0\0\0WEBPVP8L",
]


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_no_bytes_are_too_strange(start, more):
    found = header_of(start + more)
    assert found is None or found.longer_side is None or found.longer_side > 0


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (png(0, 5), "PNG"),
        (png(1, 1).replace(b"IHDR", b"CgBI"), "PNG"),
        (jpeg(100, 0), "JPEG"),  # a scan tells its height at its end
        (b"\xff\xd8" + segment(0xDA) + frame(0xC0, 5, 5), "JPEG"),
        (b"\xff\xd8\xff\xd9" + frame(0xC0, 5, 5), "JPEG"),
        (tiff("<", {256: (4, 5)}), "TIFF"),
        (tiff("<", {256: (2, 5), 257: (4, 5)}), "TIFF"),
        (b"II*\0" + b"\xff" * 4, "TIFF"),
        (b"II+\0\x08\0\0\0" + b"\xff" * 8, "TIFF"),
        (webp(b"ALPH", bytes(20)), "WebP"),
        (webp(b"VP8 ", bytes(20)), "WebP"),
        (webp(b"VP8L", bytes(20)), "WebP"),
    ],
)
def test_what_does_not_say_its_size_has_none(data, kind):
    assert header_of(data) == PictureHeader(kind)


NO_PICTURES = [b"", b"GIF89a", b"%PDF-1.7", b"<svg>", b"BM", b"II+\0", b"RIFF....WAVE", b"\xff\xd8", b"\0"]


@pytest.mark.parametrize("data", NO_PICTURES)
def test_what_is_no_picture_of_the_four_is_none(data):
    assert header_of(data + bytes(64) if len(data) > 2 else data) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WebP"])
def test_a_format_has_a_media_type_and_a_suffix(kind):
    header = PictureHeader(kind)
    assert header.media_type == f"image/{kind.lower()}"
    assert mimetypes.guess_type(f"picture{header.suffix}")[0] in {header.media_type, None}


@pytest.mark.parametrize("piece", [b"\xff", b"\xff\xd0", b"\xff\xe0\0\2"])
def test_a_jpeg_of_nothing_but_segments_is_given_up(piece):
    reads = 0
    data = b"\xff\xd8\xff" + piece * 500_000

    def read_at(at, size):
        nonlocal reads
        reads += 1
        return data[at : at + size]

    assert read_header(read_at) == PictureHeader("JPEG")
    assert reads < 5000


PADDING = {
    "line breaks": b"\n" * 7,
    "zeros": bytes(5),
    "many zeros": bytes(70_000),
    "bytes that fill": b"\xff" * 9000,
    "bytes that fill, to the end of a block": b"\xff" * 4093,
    "zeros behind FF": b"\xff\0" * 3000,
    "text": b"what an editor left",
    "a block but one": b"x" * 4095,
    "nothing": b"",
}


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("padding", PADDING)
def test_padding_between_segments_hides_no_frame(padding, place):
    parts = [b"\xff\xd8" + segment(0xE0), exif(), segment(0xDB, bytes(65)), segment(0xFE, b"c"), frame(0xC0, 1500, 900)]
    parts.insert(place + 1, PADDING[padding])
    assert header_of(b"".join(parts)) == PictureHeader("JPEG", 1500, 900)


def test_a_segment_of_no_length_is_passed_over():
    assert header_of(b"\xff\xd8" + b"\xff\xe0\0\1" + frame(0xC0, 5, 5)) == PictureHeader("JPEG", 5, 5)


def big_tiff(order, tags, at=16):
    """Tags to (type, value), in the directory of a BigTIFF."""
    numbers = {3: "H", 4: "I", 16: "Q"}
    entries = b"".join(
        struct.pack(f"{order}HHQ", tag, kind, 1) + struct.pack(order + numbers[kind], value).ljust(8, b"\0")
        for tag, (kind, value) in sorted(tags.items())
    )
    magic = b"II+\0\x08\0\0\0" if order == "<" else b"MM\0+\0\x08\0\0"
    return magic + struct.pack(f"{order}Q", at) + bytes(at - 16) + struct.pack(f"{order}Q", len(tags)) + entries


@given(orders, st.sampled_from([3, 4, 16]), st.sampled_from([3, 4, 16]), side, side, st.integers(16, 300))
def test_a_big_tiff_is_as_large_as_its_tags_say(order, one, other, width, height, at):
    data = big_tiff(order, {254: (4, 0), 256: (one, width), 257: (other, height)}, at)
    assert header_of(data) == PictureHeader("TIFF", width, height)


def test_what_does_not_say_its_size_is_for_the_service_to_judge():
    assert sku_problem(1000, PictureHeader("PNG")) is None
