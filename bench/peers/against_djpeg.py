#!/usr/bin/env python3
"""What a photograph costs vitrun beyond the network, beside djpeg (libjpeg-turbo-progs) that only decodes it.

  against_djpeg.py MODEL [VITRUN, default build/release/bin/vitrun] [PAIRS, default 15]

Makes two pictures, 4000 x 3000 and 500 x 375, baseline 4:2:0 of quality 90, and runs vitrun, djpeg and vitrun on a
picture of the smallest size in turns, all on one thread. vitrun on the smallest picture is start, model and network.
"""

import random
import statistics
import subprocess
import sys
import tempfile
import time


def photograph(path, width, height):
    """Slopes, stripes and noise, compressed to about as many bytes a pixel as a photograph."""
    generator = random.Random(1)
    noise = [bytes(generator.randrange(12) for _ in range(3 * width)) for _ in range(16)]
    lines = []
    for y in range(height):
        edges = [(x // 64 * 7 + y // 48 * 5) % 11 * 12 + x * 90 // width for x in range(width)]
        grain = noise[generator.randrange(16)]
        row = bytearray(3 * width)
        for c in range(3):
            row[c::3] = bytes((e + y * 20 * c // height + g) & 255 for e, g in zip(edges, grain[c::3]))
        lines.append(bytes(row))
    ppm = b"P6\n%d %d\n255\n" % (width, height) + b"".join(lines)
    subprocess.run(["cjpeg", "-quality", "90", "-outfile", path], input=ppm, check=True)


def milliseconds(*command):
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1e3


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    model = sys.argv[1]
    vitrun = sys.argv[2] if len(sys.argv) > 2 else "build/release/bin/vitrun"
    pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    with tempfile.TemporaryDirectory() as folder:
        smallest = folder + "/smallest.jpg"
        photograph(smallest, 8, 8)
        for width, height in ((4000, 3000), (500, 375)):
            picture = f"{folder}/{width}.jpg"
            photograph(picture, width, height)
            times = {"vitrun": [], "djpeg": [], "smallest": []}
            for _ in range(pairs):
                times["vitrun"].append(milliseconds(vitrun, model, picture, "--threads", "1", "--digest"))
                times["djpeg"].append(milliseconds("djpeg", "-outfile", "/dev/null", picture))
                times["smallest"].append(milliseconds(vitrun, model, smallest, "--threads", "1", "--digest"))
            ratios = [(v - s) / d for v, d, s in zip(times["vitrun"], times["djpeg"], times["smallest"])]
            best = {name: min(values) for name, values in times.items()}
            print(f"{width} x {height}: vitrun {best['vitrun']:.1f} ms, djpeg {best['djpeg']:.1f} ms, vitrun on 8 x 8 "
                  f"{best['smallest']:.1f} ms; beyond that {(best['vitrun'] - best['smallest']) / best['djpeg']:.2f} "
                  f"times djpeg, {statistics.median(ratios):.2f} in the median of {pairs} pairs")


if __name__ == "__main__":
    main()
