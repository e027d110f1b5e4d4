"""What the training of both demos shares: pictures, the MLP, weights files, the loop and the check.

main() is a training script's whole command line; the script brings the model. Needs
torch, numpy and Pillow.
"""
import argparse
import json
import math
import os
import struct
import time
from multiprocessing import Pool

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from draw_signs import LABELS, draw_sign, jpeg_round_trip

SIZE, RESIZE = 64, int(64 / 0.9)


# ---- the model ----------------------------------------------------------------

class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))          # the exact, erf, GELU


# ---- pictures -----------------------------------------------------------------

def resize_short(image):
    """Shortest edge to 71, bicubic."""
    w, h = image.size
    short = min(w, h)
    size = (RESIZE if w == short else int(RESIZE * w / short),
            RESIZE if h == short else int(RESIZE * h / short))
    return image.resize(size, Image.BICUBIC)


def centre_crop(image, n):
    x, y = (int(round((v - n) / 2)) for v in image.size)
    return image.crop((x, y, x + n, y + n))


def preprocess(image):
    """What the model is evaluated with: a uint8 64 x 64 x 3 array."""
    return np.asarray(centre_crop(resize_short(image.convert("RGB")), SIZE))


def to_input(array):
    x = torch.from_numpy(array).permute(0, 3, 1, 2).float().div(255)
    return ((x - 0.5) / 0.5).contiguous()


def render_train(index):
    """A 71 x 71 picture; training takes a random 64 x 64 crop of it. Most go through JPEG."""
    image, _ = draw_sign("train", index)
    if index // len(LABELS) % 3:
        image = jpeg_round_trip(image, 78 + index % 17)
    return np.asarray(centre_crop(resize_short(image), RESIZE))


def render_heldout(index):
    return preprocess(draw_sign("heldout", index)[0])


def rendered(name, function, count, cache, workers):
    path = os.path.join(cache, f"{name}_{count}.npy")
    if not os.path.exists(path):
        start = time.time()
        with Pool(workers) as pool:
            np.save(path, np.stack(pool.map(function, range(count), chunksize=64)))
        print(f"rendered {count} {name} pictures in {time.time() - start:.0f} s", flush=True)
    return np.load(path), np.arange(count) % len(LABELS)


# ---- weights ------------------------------------------------------------------

def write_safetensors(path, tensors, metadata):
    """float16 safetensors: header length, JSON header, data."""
    header, data, at = {"__metadata__": metadata}, [], 0
    for name, t in tensors.items():
        raw = t.detach().numpy().astype("<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def read_safetensors(path):
    with open(path, "rb") as f:
        raw = f.read()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    header.pop("__metadata__", None)
    out = {}
    for name, e in header.items():
        a, b = (8 + n + v for v in e["data_offsets"])
        out[name] = torch.from_numpy(np.frombuffer(raw[a:b], "<f2").reshape(e["shape"]).astype("f4"))
    return out


# ---- training and evaluation ---------------------------------------------------

def logits_of(model, arrays):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(to_input(arrays[i:i + 128])) for i in range(0, len(arrays), 128)]).numpy()


def train(make_model, architecture, args):
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    xs, ys = rendered("train", render_train, args.pictures, args.cache, args.workers)
    hx, hy = rendered("heldout", render_heldout, 4096, args.cache, args.workers)
    model = make_model()
    print("parameters:", sum(p.numel() for p in model.parameters()), flush=True)
    # As usual, no weight decay on biases, norms, the class token and what tells positions.
    decay = [p for n, p in model.named_parameters() if p.ndim > 1 and "token" not in n and "pos" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim == 1 or "token" in n or "pos" in n]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": args.decay},
                             {"params": rest, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.98))
    steps = args.epochs * (len(xs) // args.batch)
    step, start = 0, time.time()
    for epoch in range(args.epochs):
        model.train()
        order, losses, right = rng.permutation(len(xs)), [], 0
        for i in range(0, len(xs) - args.batch + 1, args.batch):
            pick = order[i:i + args.batch]
            dx, dy = rng.integers(0, RESIZE - SIZE + 1, (2, len(pick)))
            crops = np.stack([xs[j, b:b + SIZE, a:a + SIZE] for j, a, b in zip(pick, dx, dy)])
            x, y = to_input(crops), torch.from_numpy(ys[pick])
            # A little contrast and tint, different each epoch.
            x = x * (1 + .15 * torch.randn(len(x), 1, 1, 1)) + .1 * torch.randn(len(x), 3, 1, 1)
            lr = args.lr * min(1, (step + 1) / args.warmup) * .5 * (1 + math.cos(math.pi * step / steps))
            for group in opt.param_groups:
                group["lr"] = lr
            # bfloat16 products make training on a CPU about twice as fast.
            with torch.autocast("cpu", dtype=torch.bfloat16):
                out = model(x)
            loss = F.cross_entropy(out.float(), y, label_smoothing=0.05)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
            right += (out.argmax(1) == y).sum().item()
            step += 1
            if step % 100 == 0:
                print(f"  step {step}/{steps} loss {np.mean(losses[-100:]):.3f} {time.time() - start:.0f} s", flush=True)
        n = 1024 if epoch + 1 < args.epochs else len(hx)
        top1 = (logits_of(model, hx[:n]).argmax(1) == hy[:n]).mean()
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f} train {right / len(xs):.4f} "
              f"held-out({n}) {top1:.4f} {time.time() - start:.0f} s", flush=True)
        torch.save(model.state_dict(), os.path.join(args.cache, "last.pt"))
    write_safetensors(args.out, model.state_dict(),
                      {"architecture": architecture, "format": "pt"})


def check(make_model, args):
    model = make_model()
    model.load_state_dict(read_safetensors(args.out))
    with open(args.test) as f:
        names, labels = zip(*(line.split() for line in f))
    labels = np.array(labels, int)
    folder = os.path.dirname(args.test)
    logits = logits_of(model, np.stack([preprocess(Image.open(os.path.join(folder, n))) for n in names]))
    np.save(args.logits, logits.astype("<f4"))
    report("test", logits, labels)
    hx, hy = rendered("heldout", render_heldout, 4096, args.cache, args.workers)
    report("held-out", logits_of(model, hx), hy)


def report(name, logits, labels):
    got = logits.argmax(1)
    print(f"{name}: top-1 {(got == labels).mean():.4%} ({(got != labels).sum()} of {len(labels)} wrong)")
    pairs = {}
    for a, b in zip(labels, got):
        if a != b:
            pairs[a, b] = pairs.get((a, b), 0) + 1
    for (a, b), n in sorted(pairs.items(), key=lambda p: -p[1])[:12]:
        print(f"  {n:3d}  {LABELS[a]} taken for {LABELS[b]}")


def main(make_model, architecture, folder, **defaults):
    """Reads the command line, trains unless --check is given, and checks.

    make_model() makes the untrained model, `folder` has its files, `architecture` is written into its weights file, and
    `defaults` replaces those of the options.
    """
    p = argparse.ArgumentParser()
    p.add_argument("--check", action="store_true")
    p.add_argument("--out", default=os.path.join(folder, "model.safetensors"))
    p.add_argument("--test", default=os.path.join(folder, "test.txt"))
    p.add_argument("--logits", default=os.path.join(folder, "reference_logits_test.npy"))
    p.add_argument("--cache", default="/tmp/demo_signs")
    p.add_argument("--pictures", type=int, default=40000)
    p.add_argument("--epochs", type=int, default=13)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--warmup", type=int, default=400)
    p.add_argument("--decay", type=float, default=0.05)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--threads", type=int, default=1)
    p.set_defaults(**defaults)
    args = p.parse_args()
    os.makedirs(args.cache, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if not args.check:
        train(make_model, architecture, args)
    check(make_model, args)
