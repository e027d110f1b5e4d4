#!/usr/bin/env python3
"""Writes small pictures of every kind, what Pillow makes of them, and small files that must be refused.

Run by hand (it needs Pillow 9.4, jpegtran and cjpeg; the build and the tests do not):  python3 make_goldens.py [--check]
--check compares with the files that are there instead of writing.
The pictures are drawn from formulas, ours to give away.

Writes files, NAME.ppm with the pixels of Pillow's convert("RGB"), and manifest.txt, one file a line with three columns
between bars: the name, and what the builds with libraries and with stb_image alone make of it:
    =        the pixels of NAME.ppm
    ~        about those
    -        some picture: damage goes unnoticed
    text     a refusal that says so
exif_N.jpg are turned by exif_rotate into exif_N.jpg.turned.ppm.
"""

import io
import pathlib
import struct
import subprocess
import sys
import zlib

from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT = 37, 21


def noise(seed):
    """Repeatable bytes without a library: a 32-bit linear congruential generator."""
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state >> 24


def draw(width=WIDTH, height=HEIGHT, mode="RGB"):
    random = noise(width * 1000 + height)
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = bytes(
        (x * 200 // max(width - 1, 1) + y * (c + 2) * 5 + (next(random) >> 3)) & 255
        for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes(mode, (width, height), pixels)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tool(data, *command):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def cjpeg(image, *options):
    return tool(encoded(image, "PPM"), "cjpeg", *options)


def scans(text):
    path = pathlib.Path("/tmp/intvit_scans.txt")
    path.write_text(text)
    return str(path)


# ---- JPEG: its parts, so that some can be left out or changed


def parts(jpeg):
    """Marker segments as (marker, bytes), the data behind a scan's header with it."""
    result = [(0xD8, jpeg[:2])]
    at = 2
    while at < len(jpeg):
        marker = jpeg[at + 1]
        if marker == 0xD9:
            result.append((marker, jpeg[at:at + 2]))
            break
        end = at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if marker == 0xDA:
            while jpeg[end] != 0xFF or jpeg[end + 1] == 0 or 0xD0 <= jpeg[end + 1] <= 0xD7:
                end += 1
        result.append((marker, jpeg[at:end]))
        at = end
    return result


def joined(segments):
    return b"".join(data for _, data in segments)


def segment(marker, data):
    return marker, bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def adobe(transform):
    return segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform))


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


def with_markers(jpeg, *markers):
    """These instead of the application's own."""
    rest = [part for part in parts(jpeg)[1:] if not 0xE0 <= part[0] <= 0xEF]
    return joined([(0xD8, jpeg[:2]), *markers, *rest])


def with_ids(jpeg, ids):
    result = []
    for marker, data in parts(jpeg):
        data = bytearray(data)
        if 0xC0 <= marker <= 0xC2:
            for i, number in enumerate(ids):
                data[10 + 3 * i] = number
        if marker == 0xDA:
            for i, number in enumerate(ids):
                data[5 + 2 * i] = number
        result.append((marker, bytes(data)))
    return joined(result)


def patched(jpeg, marker, at, value):
    result = []
    for m, data in parts(jpeg):
        if m == marker:
            data = data[:at] + bytes((value,)) + data[at + 1:]
        result.append((m, data))
    return joined(result)


def exif(orientation, order=">"):
    tiff = (b"MM" if order == ">" else b"II") + struct.pack(order + "HIH", 42, 8, 2)
    tiff += struct.pack(order + "HHIHH", 0x0100, 3, 1, 7, 0) + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return tiff + struct.pack(order + "I", 0)


def jpegs():
    rgb, grey = draw(), draw(mode="L")
    for name, sampling in (("444", "1x1"), ("422", "2x1"), ("420", "2x2"), ("440", "1x2"), ("411", "4x1"), ("410", "4x2")):
        data = cjpeg(rgb, "-sample", sampling, "-quality", "70")
        yield f"baseline_{name}.jpg", data, "=", "~"
        yield f"progressive_{name}.jpg", tool(data, "jpegtran", "-progressive"), "=", "~"
    yield "grey.jpg", encoded(grey, "JPEG"), "=", "~"
    yield "grey_progressive.jpg", encoded(grey, "JPEG", progressive=True), "=", "~"
    yield "one_pixel.jpg", cjpeg(draw(1, 1)), "=", "~"
    separate = cjpeg(rgb, "-scans", scans("0;\n1;\n2;\n"))
    yield "one_scan_each.jpg", separate, "=", "~"

    # Colours, by the markers of Adobe and JFIF and by the names of the components.
    plain = cjpeg(rgb, "-sample", "1x1")
    yield "ycc_adobe_1.jpg", with_markers(plain, adobe(1)), "=", "~"
    yield "rgb_adobe_0.jpg", with_markers(plain, adobe(0)), "=", "~"
    yield "jfif_adobe_0.jpg", with_markers(plain, JFIF, adobe(0)), "=", "~"
    yield "rgb_ids.jpg", with_ids(with_markers(plain), b"RGB"), "=", "~"
    yield "rgb_ids_jfif.jpg", with_ids(with_markers(plain, JFIF), b"RGB"), "=", "named RGB"
    yield "rgb_ids_adobe_1.jpg", with_ids(with_markers(plain, adobe(1)), b"RGB"), "=", "named RGB"
    yield "other_ids.jpg", with_ids(with_markers(plain), b"\7\11\13"), "=", "~"
    cmyk = encoded(draw(mode="CMYK"), "JPEG")
    yield "cmyk_no_adobe.jpg", with_markers(cmyk), "=", "4 components"
    for transform in (0, 1, 2):
        yield f"cmyk_adobe_{transform}.jpg", with_markers(cmyk, adobe(transform)), "=", "4 components"
    yield "two_components.jpg", patched(separate, 0xC0, 9, 2), "marker length", "frame header"

    # What libjpeg goes on after, with a warning.
    restarts = tool(cjpeg(rgb, "-quality", "40"), "jpegtran", "-restart", "1B")
    yield "restarts.jpg", restarts, "=", "~"
    yield "stray_after_app0.jpg", joined([*parts(plain)[:2], (0, b"\1\2\3"), *parts(plain)[2:]]), "=", "~"
    first = restarts.index(b"\xff\xd0")
    yield "stray_before_restart.jpg", restarts[:first] + bytes(range(40)) + restarts[first:], "=", "Corrupt JPEG"
    second = restarts.index(b"\xff\xd1")
    yield "missing_restart.jpg", restarts[:second] + restarts[second + 2:], "=", "restart marker"
    yield "bytes_after_end.jpg", plain + b"trailing", "=", "~"
    yield "arithmetic.jpg", tool(plain, "jpegtran", "-arithmetic"), "=", "arithmetic coding"

    # What is not there, or not read.
    end = (0xD9, b"\xff\xd9")
    first_scan = next(i for i, (marker, _) in enumerate(parts(separate)) if marker == 0xDA)
    yield "no_scan.jpg", joined([*parts(separate)[:first_scan], end]), "SOS", "has no scan"
    yield "only_first_scan.jpg", joined([*parts(separate)[:first_scan + 1], end]), "has no scan", "has no scan"
    progressive = parts(tool(plain, "jpegtran", "-progressive"))
    dc = next(i for i, (marker, _) in enumerate(progressive) if marker == 0xDA)
    yield "progressive_without_dc.jpg", joined(progressive[:dc] + progressive[dc + 1:]), "has no scan", "has no scan"
    data = plain[:-40] + plain[-2:]
    yield "data_ends_early.jpg", data, "premature end of data segment", "-"
    yield "no_end.jpg", plain[:-2], "end-of-image", "end-of-image"
    yield "restart_without_interval.jpg", plain[:-60] + b"\xff\xd0" + plain[-60:], "damaged", "restart marker"
    yield "bits_12.jpg", patched(plain, 0xC0, 4, 12), "12 bits per sample", "12 bits per sample"
    yield "lossless.jpg", plain.replace(b"\xff\xc0", b"\xff\xc3", 1), "lossless", "lossless"
    many = tool(cjpeg(draw(16, 16), "-sample", "1x1"), "jpegtran", "-progressive")
    repeated = parts(many)
    first_scan = next(i for i, (marker, _) in enumerate(repeated) if marker == 0xDA)
    yield "many_scans.jpg", joined(repeated[:first_scan] + [repeated[first_scan]] * 120 + [end]), "limit 'scans'", "limit 'scans'"
    huge = joined(parts(many))
    at = huge.index(b"\xff\xc2")
    yield "promises_much.jpg", huge[:at + 5] + struct.pack(">HH", 13377, 13377) + huge[at + 9:], "cannot hold", "cannot hold"
    for i in range(1, 9):
        yield f"exif_{i}.jpg", with_markers(cjpeg(draw(7, 5)), segment(0xE1, b"Exif\0\0" + exif(i, "><"[i % 2]))), "=", "~"


# ---- PNG, written by hand: Pillow writes few kinds

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_rows(width, height, color, bits, interlaced):
    random = noise(color * 100 + bits)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rows = b""
    for x, y, dx, dy in ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, count = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
        for i in range(count if columns > 0 else 0):
            rows += bytes((i % 5,)) + bytes(next(random) for _ in range((columns * channels * bits + 7) // 8))
    return rows


def png(color, bits, interlaced=False, width=WIDTH, height=HEIGHT, colors=None, before=b"", rows=None, extra=b"", first=b""):
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    data = b"\x89PNG\r\n\x1a\n" + first + chunk(b"IHDR", header)
    if color == 3:
        random = noise(bits)
        data += chunk(b"PLTE", bytes(next(random) for _ in range(3 * (colors or 1 << bits))))
    rows = png_rows(width, height, color, bits, interlaced) if rows is None else rows
    compressed = zlib.compress(rows + extra, 9)
    half = len(compressed) // 2
    data += before + chunk(b"IDAT", compressed[:half]) + chunk(b"IDAT", compressed[half:])
    return data + chunk(b"IEND", b"")


def pngs():
    for color, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for bits in depths:
            name = f"{ {0: 'grey', 2: 'rgb', 3: 'palette', 4: 'grey_alpha', 6: 'rgb_alpha'}[color]}_{bits}"
            yield f"{name}.png", png(color, bits), "=", "="
            yield f"{name}_interlaced.png", png(color, bits, True, 19, 9), "=", "="
    yield "interlaced_3x1.png", png(2, 8, True, 3, 1), "=", "="
    for color, transparent in ((0, b"\0\5"), (2, b"\0\1\0\2\0\3"), (3, b"\0\x80\xff")):
        yield f"transparent_{color}.png", png(color, 8, before=chunk(b"tRNS", transparent)), "=", "="
    yield "exif.png", png(2, 8, width=5, height=3, before=chunk(b"eXIf", exif(6))), "=", "="
    black = "=", "colour that its palette does not have"
    yield "palette_short.png", png(3, 8, colors=200, rows=(b"\0" + bytes(range(190, 200)) + b"\xfa") * 8, width=11, height=8), *black
    yield "cgbi.png", png(6, 8, first=chunk(b"CgBI", b"\x50\0\x20\2")), "iPhones", "iPhones"
    yield "rows_missing.png", png(2, 8, rows=png_rows(WIDTH, HEIGHT - 1, 2, 8, False)), "damaged", "less rows"
    bomb = png(2, 8, width=16, height=16, extra=bytes(30_000_000))
    yield "deflate_bomb.png", bomb, "more rows", "more rows"
    good = png(2, 8)
    yield "no_end.png", good[:-12], "(IEND)", "(IEND)"
    yield "wrong_checksum.png", good[:60] + bytes((good[60] ^ 1,)) + good[61:], "CRC", "checksum"
    promise = struct.pack(">IIBBBBB", 13000, 13000, 8, 2, 0, 0, 0)
    yield "promises_much.png", good[:8] + chunk(b"IHDR", promise) + good[33:], "cannot hold", "cannot hold"
    large = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    yield "too_large.png", good[:8] + chunk(b"IHDR", large) + good[33:], "limit 'pixels'", "limit 'pixels'"


# ---- BMP, PNM, WebP


def bmp(width, height, bits, rows, palette=b"", compression=0, colors=0):
    offset = 54 + len(palette)
    data = b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset)
    data += struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(rows), 0, 0, colors, 0)
    return data + palette + rows


def others():
    rgb = draw()
    yield "rgb.bmp", encoded(rgb, "BMP"), "=", "="
    yield "grey.bmp", encoded(rgb.convert("L"), "BMP"), "=", "="
    yield "palette.bmp", encoded(rgb.quantize(8), "BMP"), "=", "="
    yield "bilevel.bmp", encoded(rgb.convert("1"), "BMP"), "=", "="
    yield "rgb_alpha.bmp", encoded(draw(mode="RGBA"), "BMP"), "=", "="
    random = noise(4)
    rows = bytes(next(random) for _ in range(12 * 6))
    palette = bytes(next(random) if i % 4 != 3 else 0 for i in range(64))
    yield "palette_4.bmp", bmp(19, 6, 4, rows, palette), "=", "="
    rows = bytes(next(random) for _ in range(24 * 5))
    yield "top_down.bmp", bmp(7, -5, 24, rows), "=", "="
    yield "palette_short.bmp", bmp(4, 4, 8, bytes(range(16)), palette[:32], colors=8), "=", "="
    yield "palette_gap.bmp", bmp(4, 4, 8, bytes(range(16)), palette, colors=8), "=", "="
    yield "run_lengths.bmp", bmp(4, 4, 8, bytes(32), palette, compression=1), "run lengths", "run lengths"
    yield "cut.bmp", encoded(rgb, "BMP")[:-1], "before its last row", "before its last row"
    yield "rgb.pnm", encoded(rgb, "PPM"), "=", "="
    yield "grey.pgm", encoded(rgb.convert("L"), "PPM"), "=", "="
    yield "comment.pnm", b"P6 # a comment\n# another\n2 1\n255\n" + bytes(range(6)), "=", "="
    yield "cut.pnm", encoded(rgb, "PPM")[:-1], "before its last row", "before its last row"
    yield "text.pnm", b"P3\n1 1\n255\n1 2 3\n", "kind P3", "kind P3"
    yield "bits_16.pnm", b"P6\n1 1\n65535\n" + bytes(6), "reach to 65535", "reach to 65535"
    none = "libwebp"
    yield "lossy.webp", encoded(rgb, "WEBP", quality=60), "=", none
    yield "lossless_alpha.webp", encoded(draw(mode="RGBA"), "WEBP", lossless=True), "=", none
    yield "cut.webp", encoded(rgb, "WEBP", quality=60)[:-20], "damaged", none


def ppm(image):
    return encoded(image.convert("RGB"), "PPM")


def main():
    check = "--check" in sys.argv[1:]
    files, lines = {}, ["# Written by make_goldens.py, which says what this means."]
    for name, data, libraries, stb in [*jpegs(), *pngs(), *others()]:
        files[name] = data
        lines.append(f"{name} | {libraries} | {stb}")
        if "=" in (libraries, stb):
            files[name + ".ppm"] = ppm(Image.open(io.BytesIO(data)))
        if name.startswith("exif"):
            files[name + ".turned.ppm"] = ppm(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    # Pillow shows other colours than black beyond the end of a palette.
    entries = files["palette_short.png"][41:41 + 600]
    row = b"".join(entries[3 * i:3 * i + 3] for i in range(190, 200)) + bytes(3)
    files["palette_short.png.ppm"] = b"P6\n11 8\n255\n" + row * 8
    for name in ("palette_short.bmp", "palette_gap.bmp"):
        bmp_file = files[name]
        pixels = [bmp_file[54 + 4 * i:57 + 4 * i][::-1] if i < 8 else bytes(3) for i in bmp_file[-16:]]
        files[name + ".ppm"] = b"P6\n4 4\n255\n" + b"".join(b"".join(pixels[y:y + 4]) for y in (12, 8, 4, 0))
    files["manifest.txt"] = ("\n".join(lines) + "\n").encode()
    if check:
        wrong = [n for n, data in files.items() if not (HERE / n).exists() or (HERE / n).read_bytes() != data]
        print("differs: " + " ".join(wrong) if wrong else f"all {len(files)} files are as they should be")
        return 1 if wrong else 0
    for name, data in files.items():
        (HERE / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
