"""An evaluation with Dask: workers run pictures through intvit's C interface, each with a session of its own.

    INTVIT_LIBRARY=libintvit.so INTVIT_PICTURE_LIBRARY=libintvit-picture.so \\
        python3 eval_dask.py MODEL LIST [SCHEDULER]

LIST is vitrun's: a line `path label` per picture. Model, libraries and pictures are where all workers find them by the
same names. Without a scheduler the workers are processes on this machine.
"""
import ctypes as c
import functools
import os
import sys
import threading

Handle = c.c_void_p


def open_session(model_path):
    """Libraries and session of this thread of this worker: a session is for one thread at a time."""
    from dask.distributed import get_worker
    sessions = get_worker().__dict__.setdefault("intvit_sessions", {})
    key = (threading.get_ident(), model_path)
    if key not in sessions:
        sessions[key] = new_session(model_path)
    return sessions[key]


def new_session(model_path):
    lib = c.CDLL(os.environ.get("INTVIT_LIBRARY", "libintvit.so"), mode=c.RTLD_GLOBAL)
    picture = c.CDLL(os.environ.get("INTVIT_PICTURE_LIBRARY", "libintvit-picture.so"))
    lib.intvit_last_error.restype = c.c_char_p
    model, session = Handle(), Handle()
    for status in (lib.intvit_model_open(os.fsencode(model_path), None, c.byref(model)),
                   lib.intvit_session_create(model, None, c.byref(session))):
        if status != 0:
            raise RuntimeError(lib.intvit_last_error().decode(errors="replace"))
    return lib, picture, session


def run_share(model_path, pictures):
    """The counts of pictures, hits of the best and of the five best classes, and pictures that failed."""
    lib, picture, session = open_session(model_path)
    counts = [0, 0, 0, 0]
    data, classes = c.POINTER(c.c_int32)(), c.c_size_t()
    for path, label in pictures:
        failed = picture.intvit_session_set_picture_file(session, c.c_int32(0), os.fsencode(path), None)
        if failed:
            counts[3] += 1
            continue
        lib.intvit_session_run(session, c.c_int32(1))
        lib.intvit_session_logits(session, c.c_int32(0), c.byref(data), c.byref(classes))
        logits = data[:classes.value]
        before = sum(x > logits[label] or (x == logits[label] and i < label) for i, x in enumerate(logits))
        counts[0] += 1
        counts[1] += before < 1
        counts[2] += before < 5
    return counts


def read_list(path):
    pictures = []
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as lines:
        for line in map(str.strip, lines):
            if line and not line.startswith("#"):
                name, label = line.rsplit(maxsplit=1)
                pictures.append((os.path.join(os.path.dirname(os.path.abspath(path)), name), int(label)))
    return pictures


def main():
    from dask.distributed import Client
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: eval_dask.py MODEL LIST [SCHEDULER]")
    pictures = read_list(sys.argv[2])
    with (Client(sys.argv[3]) if len(sys.argv) == 4 else Client(threads_per_worker=1)) as client:
        # More shares than workers: whoever is faster takes more of them.
        shares = min(len(pictures), 8 * len(client.scheduler_info()["workers"]))
        model = os.path.abspath(sys.argv[1])
        futures = client.map(functools.partial(run_share, model), [pictures[k::shares] for k in range(shares)])
        count, top1, top5, failed = map(sum, zip(*client.gather(futures)))
    print(f"pictures  {count}" + (f" ({failed} failed)" if failed else ""))
    if count:
        print(f"top-1     {100 * top1 / count:.2f} %\ntop-5     {100 * top5 / count:.2f} %")


if __name__ == "__main__":
    main()
