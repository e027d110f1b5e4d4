#!/usr/bin/env python3
"""What a photograph costs vitrun beside the network, and beside djpeg (libjpeg-turbo-progs) that only decodes it.

  against_djpeg.py MODEL [FOLDER of vitrun and vitbench, default build/release/bin] [PAIRS, default 15]

Makes two pictures, 4000 x 3000 and 500 x 375, baseline 4:2:0 of quality 90, and runs vitrun and djpeg on them in turns,
on one thread. Times are of whole processes, their CPU time and the time that passes. What the network takes of vitrun's
is the first run of a process, as vitbench measures it.
"""

import json
import os
import random
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
    """CPU time, and the time that passes."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    passed = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode}: {' '.join(command)}")
    return (usage.ru_utime + usage.ru_stime) * 1e3, passed * 1e3


def first_run(vitbench, model):
    command = [vitbench, model, "--threads", "1", "--runs", "1", "--warmup", "0", "--json"]
    # Other programs are in both, so their warning would say nothing, and say it for every run.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout)[0]["cold_run_ms"]


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    model = sys.argv[1]
    programs = sys.argv[2] if len(sys.argv) > 2 else "build/release/bin"
    pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    network = min(first_run(programs + "/vitbench", model) for _ in range(pairs))
    print(f"the network takes {network:.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((4000, 3000), (500, 375)):
            picture = f"{folder}/{width}.jpg"
            photograph(picture, width, height)
            ours, djpeg = [], []
            for _ in range(pairs):
                ours.append(milliseconds(programs + "/vitrun", model, picture, "--threads", "1", "--digest"))
                djpeg.append(milliseconds("djpeg", "-outfile", "/dev/null", picture))
            for kind, name in enumerate(("CPU time", "time that passes")):
                a, b = (min(times[kind] for times in program) for program in (ours, djpeg))
                print(f"{width} x {height}, {name}: vitrun {a:.1f} ms, djpeg {b:.1f} ms; without the network "
                      f"{a - network:.1f} ms, {(a - network) / b:.2f} times djpeg")


if __name__ == "__main__":
    main()
