#!/usr/bin/env python3
"""Markdown tables of the pages, from records of measurements.

  scripts/tables.py latency docs/figures/latency.json    print one table
  scripts/tables.py --write [PAGE...]                    write every marked table of the pages anew
  scripts/tables.py --check [PAGE...]                    exit code 1 if a page says something else than the records
  scripts/tables.py --list                               the tables that there are

A table of a page is what lies between two markers. The first one is the command that prints it, run in the root folder:

  <!-- table latency: scripts/tables.py latency docs/figures/latency.json -->
  ...
  <!-- end -->

Pages are README.md and docs/*.md if none is named. Records are what the tools print: `vitbench --json`, `vitconvert
sweep --json`, kernelbench's tables, and the lines of bench/peers/against_onnxruntime.mjs. A record may have more keys than a
table needs, and one file may have the output of several commands, one behind the other (`vitbench ... --json
>>docs/figures/latency.json`). For maintainers: nothing else of intvit needs Python.
"""
import json
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ISAS = {"scalar": "scalar", "avx2": "AVX2", "avxvnni": "AVX-VNNI", "avx512vnni": "AVX-512 VNNI", "amx": "AMX"}
MODELS = {
    "deit8.bin": "DeiT-Tiny W8A8", "deit4.bin": "DeiT-Tiny W4A8", "small8.bin": "DeiT-Small W8A8",
    "small4.bin": "DeiT-Small W4A8", "base8.bin": "ViT-Base W8A8", "base4.bin": "ViT-Base W4A8",
    "dinov2_small8.bin": "DINOv2-S 518 px W8A8", "swin_t8.bin": "Swin-T W8A8", "swin_s8.bin": "Swin-S W8A8",
}  # by the file names of the commands in docs/performance.md


class Problem(Exception):
    """Something that the user can mend; the message says what."""


# ---- Cells


def number(value, decimals, unit=""):
    return "" if value is None else f"{value:.{decimals}f}{unit}"


def markdown(header, rows, text_columns=1):
    """The first columns are text, the others numbers on the right."""
    rule = ["---"] * text_columns + ["--:"] * (len(header) - text_columns)
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, *rows]]
    lines.insert(1, "|" + "|".join(rule) + "|")
    return re.sub(r"\|  (?=\|)", "| ", "\n".join(lines)).replace("|  ", "| ")


def ordered(values):
    return list(dict.fromkeys(values))


def model_name(row):
    name = row["model"].rpartition("/")[2]
    return MODELS.get(name, name)


def find(rows, **keys):
    """The one row with these values, or an empty one."""
    found = [row for row in rows if all(row.get(key) == value for key, value in keys.items())]
    if len(found) > 1:
        raise Problem(f"{len(found)} records of {keys}")
    return found[0] if found else {}


# ---- Speed: rows of vitbench --json


def latency(rows):
    """A row a model, columns instruction sets x threads: medians, minima, percent of peak of one thread."""
    isas, threads = ordered(row["isa"] for row in rows), ordered(row["threads"] for row in rows)
    header = [""]
    for isa in isas:
        header += [f"{isa}, {count} thread" if count == 1 else str(count) for count in threads]
    cells = []
    for model in ordered(row["model"] for row in rows):
        line, peaks = [model_name({"model": model})], []
        for isa in isas:
            for count in threads:
                row = find(rows, model=model, isa=isa, threads=count, batch=1)
                line.append(f"{number(row.get('median_ms'), 1)} ({number(row.get('min_ms'), 1)})" if row else "")
            peaks.append(number(find(rows, model=model, isa=isa, threads=1, batch=1).get("percent_of_peak"), 0))
        cells.append([*line, " / ".join(peaks)])
    return markdown([*header, "% of peak, 1 thread"], cells)


def batch(rows):
    """Pictures a second by threads and batch, and what the largest batch gains with the most threads."""
    columns = ordered((row["threads"], row["batch"]) for row in rows)
    header = ["images/s"] + [f"{t} thread{'s' if t > 1 else ''}, batch {b}" for t, b in columns]
    cells = []
    for model in ordered(row["model"] for row in rows):
        rates = [find(rows, model=model, threads=t, batch=b).get("images_per_s") for t, b in columns]
        gain = rates[-1] / rates[-2] if rates[-1] and rates[-2] else None
        cells.append([model_name({"model": model}), *(number(r, 0 if r and r >= 100 else 1) for r in rates),
                      number(gain, 2)])
    (_, before), (_, last) = columns[-2:]
    return markdown([*header, f"batch {last} / batch {before}"], cells)


def middle_passes(rows):
    """All passes of each model and number of threads by their ratio, and the one in the middle."""
    for key in ordered((row["model"], row["threads"]) for row in rows):
        passes = sorted((r for r in rows if (r["model"], r["threads"]) == key), key=lambda row: row["time_ratio"])
        yield passes, passes[len(passes) // 2]


def peers(rows):
    """Beside ONNX Runtime: the measurement with the middle ratio of each model and number of threads."""
    cells = []
    for passes, middle in middle_passes(rows):
        cells.append([model_name(middle), str(middle["threads"]), number(middle.get("intvit_ms"), 2, " ms"),
                      number(middle.get("ort_ms"), 2, " ms"), number(middle["time_ratio"], 3),
                      ", ".join(number(row["time_ratio"], 3) for row in passes)])
    return markdown(["model", "threads", "intvit", "ONNX Runtime", "time ratio", "all passes"], cells)


def peers_short(rows):
    """The same for README.md: 8-bit weights only."""
    cells = []
    for _, middle in middle_passes(rows):
        name = model_name(middle)
        if not name.endswith(" W8A8"):
            continue
        threads = f"{middle['threads']} thread{'s' if middle['threads'] > 1 else ''}"
        cells.append([f"{name.removesuffix(' W8A8')}, {threads}", number(middle.get("intvit_ms"), 1, " ms"),
                      number(middle.get("ort_ms"), 1, " ms"), number(middle["time_ratio"], 2)])
    return markdown(["", "intvit W8A8", "ONNX Runtime int8", "time ratio"], cells)


def parts_of(row):
    """results/METHOD_wNaM.bin, as sweep names its models -> (WNAM, METHOD)"""
    found = re.fullmatch(r"(?:.*/)?(\w+)_(w\da\d)\.bin", row["model"])
    if not found:
        raise Problem(f"'{row['model']}' is not named METHOD_wNaM.bin")
    return found[2].upper(), found[1]


def quantizers(rows):
    """Every model beside the first one: medians and minima, and their ratios."""
    isas, models = ordered(row["isa"] for row in rows), ordered(row["model"] for row in rows)
    header = [""]
    for isa in isas:
        header += [ISAS[isa], "ratio"]
    cells = []
    for model in models:
        bits, method = parts_of({"model": model})
        line = [f"{bits} `{method}`"]
        for isa in isas:
            row, base = find(rows, model=model, isa=isa), find(rows, model=models[0], isa=isa)
            line.append(f"{row['median_ms']:.2f} ({row['min_ms']:.2f}) ms")
            ratios = (row["median_ms"] / base["median_ms"], row["min_ms"] / base["min_ms"])
            line.append("" if model == models[0] else f"{ratios[0]:.2f} ({ratios[1]:.2f})")
        cells.append(line)
    return markdown(header, cells)


# ---- Kernels: tables of kernelbench, one file an instruction set


def kernel_tables(text):
    """{title: [[cell]]}, the header first."""
    tables, title = {}, ""
    for line in text.splitlines():
        if line.startswith("|"):
            tables.setdefault(title, []).append([cell.strip() for cell in line.strip("| ").split("|")])
        elif line.strip():
            title = line.strip()
    return {title: [row for row in table if not row[0].startswith("---")] for title, table in tables.items()}


def isa_of(text):
    return re.search(r"--isa (\w+)", text)[1]


def kernels(*texts):
    """Every linear layer: GMAC/s with 8- and 4-bit weights, and time over oneDNN's."""
    header, cells = ["GMAC/s (time / oneDNN's)"], {}
    for text in texts:
        header += [f"{ISAS[isa_of(text)]}, W8A8", "W4A8"]
        for row in kernel_tables(text)["Linear layers (rows x depth x columns)"][1:]:
            row += [""] * (6 - len(row))
            cells.setdefault(row[0], [row[0]]).extend(f"{row[i]} ({row[i + 1]})".lstrip() for i in (2, 4))
    return markdown(header, list(cells.values()))


def formats(*texts):
    """What every number format costs beside plain codes, geometric means over all layers."""
    short = {
        "Linear layers, 8-bit weights: time ratio to plain codes": "linear, 8-bit weights",
        "Linear layers, 4-bit weights: time ratio to plain codes": "linear, 4-bit weights",
        "Encoding and the linear layer that reads it, 4-bit weights: time ratio to the layer on plain codes":
            "encode and linear",
        "Attention, all heads, 16 levels: time ratio to exponential codes": "attention",
    }
    cells = {}
    for text in texts:
        tables = kernel_tables(text)
        for title, name in short.items():
            names, means = tables[title][0], tables[title][-1]
            for column in range(2, len(names)):
                key = f"{name}: {names[column]}"
                cells.setdefault(key, [key]).append(means[column])
    return markdown([""] + [ISAS[isa_of(text)] for text in texts], list(cells.values()))


# ---- Accuracy: vitconvert sweep --json


def megabytes(record, decimals=2):
    return number(record["bytes"] / 1e6, decimals, " MB") if "bytes" in record else ""


def bits_of(result):
    return f"W{result['weight_bits']}A{result['activation_bits']}"


def accuracy(sweep, rows=()):
    """A row a combination, most bits first, then the best; milliseconds, where there are any, are minima of vitbench."""
    isas = ordered(row["isa"] for row in rows)
    header = ["", "method", "top-1", "drop", "agreement", "logit SQNR", "file"] + [ISAS[isa] for isa in isas]
    float_cells = ["float32 (`vitconvert reference`)", "", number(sweep["float"]["top1"], 2, " %")]
    cells = [float_cells + [""] * 3 + [megabytes(sweep["float"], 1)] + [""] * len(isas)]
    times = {(*parts_of(row), row["isa"]): row["min_ms"] for row in rows}
    before = ""
    for result in sorted(sweep["results"], key=lambda r: (-r["weight_bits"], -r["activation_bits"], -r["top1"])):
        bits, method = bits_of(result), result["method"]
        cells.append(["" if bits == before else bits, f"`{method}`", number(result["top1"], 2, " %"),
                      number(result["drop"], 2), number(result.get("agreement"), 1, " %"),
                      number(result.get("logit_sqnr_db"), 1, " dB"),
                      megabytes(result),
                      *(number(times.get((bits, method, isa)), 1, " ms") for isa in isas)])
        before = bits
    return markdown(header, cells, 2)


def accuracy_short(sweep):
    """The rows of `auto`."""
    cells = [["float32", number(sweep["float"]["top1"], 2, " %"), "", "", megabytes(sweep["float"], 1)]]
    for result in sorted(sweep["results"], key=lambda r: (-r["weight_bits"], -r["activation_bits"])):
        if result["method"] == "auto":
            cells.append([bits_of(result), number(result["top1"], 2, " %"), number(result["drop"], 2),
                          number(result.get("logit_sqnr_db"), 1, " dB"), megabytes(result)])
    return markdown(["", "top-1", "drop", "logit SQNR", "file"], cells)


def drops(*sweeps):
    """What the same methods lose on several picture sets or networks: top-1, and the drop in brackets."""
    keys = ordered((bits_of(r), r["method"]) for sweep in sweeps[1:] for r in sweep["results"])
    keys.sort(key=lambda key: (-int(key[0][1]), -int(key[0][3])))  # W8A8 first; stable
    cells = [["float32", "", *(number(sweep["float"]["top1"], 1, " %") for sweep in sweeps)]]
    for bits, method in keys:
        line = [bits, f"`{method}`"]
        for sweep in sweeps:
            found = [r for r in sweep["results"] if (bits_of(r), r["method"]) == (bits, method)]
            line.append(f"{found[0]['top1']:.1f} % ({round(found[0]['drop'], 2):g})" if found else "")
        cells.append(line)
    return markdown(["", "method", *(sweep["set"] for sweep in sweeps)], cells, 2)


def optimised(record):
    """What training gave: rows of conversions with and without --optimise, in the order of the record."""
    cells = []
    for row in record["results"]:
        training = f"`{row['optimise']}`" if row.get("optimise") else "none"
        cells.append([bits_of(row), f"`{row['method']}`", training, str(row["pictures"]), number(row["top1"], 2, " %"),
                      number(record["float"]["top1"] - row["top1"], 2), number(row.get("agreement"), 1, " %"),
                      number(row.get("logit_sqnr_db"), 2, " dB"), number(row.get("cpu_seconds"), 0, " s"),
                      number(row.get("memory_gb"), 2, " GB")])
    return markdown(["", "method", "training", "pictures", "top-1", "drop", "agreement", "logit SQNR", "CPU time", "memory"],
                    cells, 3)


def demo(rows):
    """Conversions of the demo model: vitrun --eval --json and vitconvert convert --json, merged."""
    float_top1, cells = rows[0]["top1"], []
    cells.append(["float32", number(float_top1, 2, " %"), "", "", megabytes(rows[0]) + " (f16)"])
    for row in rows[1:]:
        rounding = ", rounding to nearest" if row.get("weights") == "nearest" else ""
        cells.append([f"{bits_of(row)}, `{row['method']}`{rounding}", number(row["top1"], 2, " %"),
                      number(float_top1 - row["top1"], 2),
                      number(row["logit_sqnr_db"], 1, " dB"), megabytes(row)])
    return markdown(["", "top-1", "drop", "logit SQNR, calibration", "file"], cells)


TABLES = {
    f.__name__: f
    for f in (latency, batch, peers, peers_short, quantizers, kernels, formats, accuracy,
              accuracy_short, drops, optimised, demo)
}

# ---- Pages


def json_values(text):
    """The one value of a file, or the rows of several that were put one behind the other."""
    values, at = [], 0
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        values.append(value)
    if len(values) == 1:
        return values[0]
    return [row for value in values for row in (value if isinstance(value, list) else [value])]


def read_record(path):
    try:
        text = (ROOT / path).read_text()
        return json_values(text) if path.endswith(".json") else text
    except (OSError, ValueError) as error:
        raise Problem(f"{path}: {error}") from error


def table(words):
    """The table of a command's words: NAME FILE..."""
    if not words or words[0] not in TABLES:
        raise Problem(f"no table '{words[0] if words else ''}'; there are {', '.join(TABLES)}")
    try:
        return TABLES[words[0]](*(read_record(path) for path in words[1:]))
    except (KeyError, TypeError, IndexError) as error:
        raise Problem(f"{' '.join(words)}: {type(error).__name__} {error}") from error


MARKER = re.compile(r"<!-- table (\w+): (.*?) -->\n(.*?)<!-- end -->", re.DOTALL)


def renewed(page, text):
    def one(match):
        words = shlex.split(match[2])
        if words[:2] != ["scripts/tables.py", match[1]]:
            raise Problem(f"{page}: '{match[2]}' is no command of table {match[1]}")
        return f"<!-- table {match[1]}: {match[2]} -->\n{table(words[1:])}\n<!-- end -->"

    new, count = MARKER.subn(one, text)
    if len(re.findall(r"^<!-- (?:table\b|end)", text, re.MULTILINE)) != 2 * count:
        raise Problem(f"{page}: a marker without its other one")
    return new, count


def first_difference(old, new):
    pairs = zip(old.splitlines() + [""], new.splitlines() + [""])
    return next((f"'{a}' should be '{b}'" for a, b in pairs if a != b), "lines are missing")


def go_through(pages, write):
    pages = [Path(p) for p in pages] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    total, stale = 0, 0
    for page in pages:
        old = page.read_text()
        new, count = renewed(page.name, old)
        total += count
        if new == old:
            continue
        stale += 1
        if write:
            page.write_text(new)
        print(f"{page.name}: " + ("written" if write else first_difference(old, new)))
    print(f"{total} tables in {len(pages)} pages, {stale} pages " + ("changed" if write else "differ from the records"))
    return 0 if write or (stale == 0 and total > 0) else 1


def main(words):
    if words[:1] in (["--write"], ["--check"]):
        return go_through(words[1:], words[0] == "--write")
    if words == ["--list"]:
        for name, make in TABLES.items():
            print(f"{name:12} {make.__doc__}")
        return 0
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if words else 2
    print(table(words))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Problem, OSError) as problem:
        print(f"tables.py: {problem}", file=sys.stderr)
        sys.exit(2)
