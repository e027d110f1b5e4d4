"""The library in Python, by ctypes and NumPy: the three best classes of a raw RGB picture, with their probabilities.

    INTVIT_LIBRARY=libintvit.so python3 classify.py MODEL PIXELS WIDTH HEIGHT
"""
import ctypes as c
import os
import sys

import numpy as np

lib = c.CDLL(os.environ.get("INTVIT_LIBRARY", "libintvit.so"))
lib.intvit_last_error.restype = lib.intvit_model_label.restype = c.c_char_p
Handle = c.c_void_p


class Pixels(c.Structure):  # intvit_pixels
    _fields_ = [("struct_size", c.c_size_t), ("pixels", c.c_void_p), ("width", c.c_int32), ("height", c.c_int32),
                ("stride", c.c_ssize_t), ("format", c.c_int32)]


def need(status):
    if status != 0:
        sys.exit("classify.py: " + lib.intvit_last_error().decode(errors="replace"))


if len(sys.argv) != 5:
    sys.exit("usage: classify.py MODEL PIXELS WIDTH HEIGHT")
width, height = int(sys.argv[3]), int(sys.argv[4])
picture = np.fromfile(sys.argv[2], np.uint8).reshape(height, width, 3)

model, session = Handle(), Handle()
need(lib.intvit_model_open(os.fsencode(sys.argv[1]), None, c.byref(model)))
need(lib.intvit_session_create(model, None, c.byref(session)))
need(lib.intvit_session_set_picture(session, c.c_int32(0), c.byref(Pixels(
    c.sizeof(Pixels), picture.ctypes.data, width, height, picture.strides[0], 0))))
need(lib.intvit_session_run(session, c.c_int32(1)))

data, count = c.POINTER(c.c_int32)(), c.c_size_t()
need(lib.intvit_session_logits(session, c.c_int32(0), c.byref(data), c.byref(count)))
logits = np.ctypeslib.as_array(data, (count.value,)).copy()  # the next run overwrites the session's own
real = logits * 2.0 ** -lib.intvit_model_logit_fraction_bits(model)
probabilities = np.exp(real - real.max()) / np.exp(real - real.max()).sum()
for i in np.argsort(-logits, kind="stable")[:3]:
    label = lib.intvit_model_label(model, c.c_int32(i)) or b""
    print(f"{i}\t{label.decode(errors='replace')}\t{probabilities[i]:.4f}")
lib.intvit_session_close(session)
lib.intvit_model_close(model)
