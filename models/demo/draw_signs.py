#!/usr/bin/env python3
"""Draws the demo's road-sign pictures: 16 kinds, each picture fixed by (split, index).

    picture, label = draw_sign("test", 17)      # a Pillow image and 0..15

Nothing is read from disk (no fonts, no photographs): every sign, its background
and what spoils the view of it are drawn from a seeded random generator.
Run as a script it draws a contact sheet:  python3 draw_signs.py sheet.png
"""
import io
import math
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

LABELS = ["stop", "yield", "no_entry", "priority_road",
          "ahead_only", "turn_left", "turn_right", "roundabout",
          "pedestrian", "bicycle", "no_parking", "no_stopping",
          "crossroads", "danger", "limit_30", "limit_80"]
SPLITS = {"train": 1, "heldout": 2, "test": 3, "calib": 4, "examples": 5}

# How bad the view gets: smallest sign (half its width, as a part of the picture's short
# side), largest turn in degrees, chance of something in front, largest blur, grain,
# least contrast, chance of a grey picture. Training sees somewhat worse pictures than
# the model is later asked about.
HARD = dict(small=.26, turn=42, hidden=.35, blur=1.3, grain=.09, contrast=.55, grey=.04)
USUAL = dict(small=.33, turn=34, hidden=.22, blur=1.0, grain=.06, contrast=.7, grey=.02)

RED, BLUE, YELLOW = (200, 24, 32), (20, 70, 170), (245, 195, 20)
WHITE, BLACK, ORANGE = (245, 245, 242), (20, 20, 22), (235, 120, 20)

TILE = 224     # the sign is drawn flat on a tile of this size, then put in perspective
SPAN = 1.12    # the tile covers [-SPAN, SPAN] in both directions; a sign has radius 1


class Pen:
    """Pillow drawing in the sign's own units, y pointing down."""

    def __init__(self):
        self.image = Image.new("RGBA", (TILE, TILE), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def px(self, points):
        return [((x / SPAN + 1) * TILE / 2, (y / SPAN + 1) * TILE / 2) for x, y in points]

    def poly(self, points, fill):
        self.draw.polygon(self.px(points), fill=fill)

    def disk(self, x, y, r, fill, ry=None):
        ry = ry or r
        (x0, y0), (x1, y1) = self.px([(x - r, y - ry), (x + r, y + ry)])
        self.draw.ellipse((x0, y0, x1, y1), fill=fill)

    def line(self, points, width, fill):
        """A polyline with round ends and joints."""
        w = width / SPAN * TILE / 2
        pts = self.px(points)
        self.draw.line(pts, fill=fill, width=max(1, round(w)))
        for x, y in pts:
            self.draw.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), fill=fill)

    def arc(self, x, y, rx, ry, a0, a1, width, fill):
        """Degrees, clockwise from the right (y points down)."""
        self.line([(x + rx * math.cos(math.radians(a)), y + ry * math.sin(math.radians(a)))
                   for a in np.linspace(a0, a1, 17)], width, fill)

    def arrow_head(self, x, y, angle, size, fill):
        """A triangle whose base is centred on (x, y) and which points along angle."""
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        self.poly([(x + u * c - v * s, y + u * s + v * c)
                   for u, v in [(size, 0), (0, size), (0, -size)]], fill)


def ngon(n, r, first, cy=0.0):
    return [(r * math.cos(math.radians(first + 360 * i / n)),
             cy + r * math.sin(math.radians(first + 360 * i / n))) for i in range(n)]


# ---- plates -----------------------------------------------------------------

def blue_plate(pen, rng, square_too=True):
    if square_too and rng.random() < 0.3:
        pen.poly([(-.86, -.86), (.86, -.86), (.86, .86), (-.86, .86)], WHITE)
        pen.poly([(-.8, -.8), (.8, -.8), (.8, .8), (-.8, .8)], BLUE)
    else:
        pen.disk(0, 0, 1, WHITE)
        pen.disk(0, 0, .94, BLUE)
    return WHITE


def warning_plate(pen, rng):
    """A red-edged triangle, or a diamond. Returns the ink and the height of the centre."""
    inside = YELLOW if rng.random() < 0.3 else WHITE
    if rng.random() < 0.25:
        pen.poly(ngon(4, 1.05, 0), BLACK)
        pen.poly(ngon(4, .98, 0), YELLOW if rng.random() < 0.6 else ORANGE)
        return BLACK, 0.0
    pen.poly(ngon(3, 1.1, -90, .2), RED)
    pen.poly(ngon(3, .76, -90, .2), inside)
    return BLACK, .24


def ring_plate(pen, rng):
    pen.disk(0, 0, 1, RED)
    pen.disk(0, 0, rng.uniform(.72, .8), YELLOW if rng.random() < 0.15 else WHITE)


# ---- pictograms -------------------------------------------------------------

def letters_stop(pen, ink, y, h, w):
    """STOP in strokes, centred on y, of letter half-height h and stroke w."""
    step, r = .39, .125
    x = -1.5 * step
    pen.arc(x, y - h / 2, r, h / 2, -20, -270, w, ink)
    pen.arc(x, y + h / 2, r, h / 2, -90, 160, w, ink)
    x += step
    pen.line([(x - .15, y - h), (x + .15, y - h)], w, ink)
    pen.line([(x, y - h), (x, y + h)], w, ink)
    x += step
    pen.arc(x, y, .14, h, 0, 360, w, ink)
    x += step
    pen.line([(x - .1, y - h), (x - .1, y + h)], w, ink)
    pen.arc(x - .08, y - h / 2, .2, h / 2, -90, 90, w, ink)


def digit(pen, d, x, h, w, ink):
    r = .2
    if d == "0":
        pen.arc(x, 0, r, h, 0, 360, w, ink)
    elif d == "8":
        pen.arc(x, -h / 2, r * .9, h / 2, 0, 360, w, ink)
        pen.arc(x, h / 2, r, h / 2, 0, 360, w, ink)
    elif d == "3":
        pen.arc(x, -h / 2, r * .9, h / 2, -160, 90, w, ink)
        pen.arc(x, h / 2, r, h / 2, -90, 160, w, ink)


def person(pen, x, y, s, ink, side):
    def at(*pts):
        return [(x + side * s * u, y + s * v) for u, v in pts]
    pen.disk(x, y - .78 * s, .17 * s, ink)
    pen.line(at((0, -.45), (-.05, .1)), .28 * s, ink)
    pen.line(at((-.05, .1), (.22, .45), (.3, .85)), .17 * s, ink)
    pen.line(at((-.05, .1), (-.15, .5), (-.42, .82)), .17 * s, ink)
    pen.line(at((0, -.5), (.3, -.2), (.45, -.05)), .12 * s, ink)
    pen.line(at((0, -.5), (-.28, -.25), (-.35, .05)), .12 * s, ink)


def bicycle(pen, x, y, s, ink, side):
    def at(*pts):
        return [(x + side * s * u, y + s * v) for u, v in pts]
    w = .11 * s
    for u in (-.55, .55):
        pen.arc(x + side * s * u, y + .25 * s, .36 * s, .36 * s, 0, 360, w, ink)
    pen.line(at((-.55, .25), (-.25, -.3), (.35, -.3), (-.05, .25), (-.55, .25)), w, ink)
    pen.line(at((-.05, .25), (-.3, -.5)), w, ink)
    pen.line(at((-.45, -.5), (-.15, -.5)), w * 1.2, ink)
    pen.line(at((.55, .25), (.3, -.55), (.55, -.62)), w, ink)


def draw_flat(name, rng):
    """One sign seen straight on; the plates and strokes vary a little."""
    pen = Pen()
    k = rng.uniform(.85, 1.15)                       # stroke weight
    side = 1 if rng.random() < 0.5 else -1
    if name == "stop":
        pen.poly(ngon(8, 1.06, 22.5), WHITE)
        pen.poly(ngon(8, .98, 22.5), RED)
        letters_stop(pen, WHITE, 0, rng.uniform(.26, .36), .1 * k)
    elif name == "yield":
        pen.poly(ngon(3, 1.1, 90, -.2), RED)
        pen.poly(ngon(3, rng.uniform(.6, .76), 90, -.2), YELLOW if rng.random() < 0.25 else WHITE)
    elif name == "no_entry":
        pen.disk(0, 0, 1, WHITE)
        pen.disk(0, 0, .95, RED)
        h, w = .17 * k, rng.uniform(.62, .74)
        pen.poly([(-w, -h), (w, -h), (w, h), (-w, h)], WHITE)
    elif name == "priority_road":
        pen.poly(ngon(4, 1.08, 0), BLACK)
        pen.poly(ngon(4, 1.03, 0), WHITE)
        pen.poly(ngon(4, rng.uniform(.62, .76), 0), YELLOW)
    elif name == "ahead_only":
        ink = blue_plate(pen, rng)
        pen.line([(0, .6), (0, -.15)], .26 * k, ink)
        pen.arrow_head(0, -.22, -90, .44, ink)
    elif name in ("turn_left", "turn_right"):
        ink, d = blue_plate(pen, rng), -1 if name == "turn_left" else 1
        if rng.random() < 0.6:                       # comes from below, then bends
            pen.line([(-d * .26, .6), (-d * .26, -.12), (d * .12, -.12)], .22 * k, ink)
            pen.arrow_head(d * .2, -.12, 0 if d > 0 else 180, .4, ink)
        else:
            pen.line([(-d * .6, 0), (d * .15, 0)], .26 * k, ink)
            pen.arrow_head(d * .22, 0, 0 if d > 0 else 180, .44, ink)
    elif name == "roundabout":
        ink, first = blue_plate(pen, rng), rng.uniform(0, 120)
        for i in range(3):                           # clockwise
            a = first + 120 * i
            pen.arc(0, 0, .55, .55, a, a + 70, .17 * k, ink)
            e = math.radians(a + 72)
            pen.arrow_head(.55 * math.cos(e), .55 * math.sin(e), a + 72 + 96, .27, ink)
    elif name in ("pedestrian", "bicycle"):
        figure = person if name == "pedestrian" else bicycle
        if rng.random() < 0.5:
            ink, cy = warning_plate(pen, rng)
            size = .46 if cy else .62
        else:
            ink, cy, size = blue_plate(pen, rng), 0, .68
        figure(pen, 0, cy, size * rng.uniform(.9, 1.1), ink, side)
    elif name in ("no_parking", "no_stopping"):
        pen.disk(0, 0, 1, RED)
        pen.disk(0, 0, .8, BLUE)
        pen.line([(-.6, -.6), (.6, .6)], .18 * k, RED)
        if name == "no_stopping":
            pen.line([(.6, -.6), (-.6, .6)], .18 * k, RED)
    elif name == "crossroads":
        ink, cy = warning_plate(pen, rng)
        s = .36 if cy else .55
        pen.line([(0, cy - s), (0, cy + s)], .17 * k, ink)
        pen.line([(-s, cy), (s, cy)], .17 * k, ink)
    elif name == "danger":
        ink, cy = warning_plate(pen, rng)
        s = .38 if cy else .55
        pen.poly([(-.12 * k, cy - s), (.12 * k, cy - s), (.05, cy + s * .4), (-.05, cy + s * .4)], ink)
        pen.disk(0, cy + s * .8, .09 * k, ink)
    else:
        ring_plate(pen, rng)
        h = rng.uniform(.36, .44)
        for d, x in zip(name[-2:], (-.28, .28)):
            digit(pen, d, x, h, .13 * k, BLACK)
    return pen.image


# ---- what is around and in front of the sign ---------------------------------

def some_colour(rng):
    """A background colour: half the time dull, else anything (sign colours too)."""
    if rng.random() < 0.5:
        g = rng.uniform(40, 220)
        return tuple(int(np.clip(g + v, 0, 255)) for v in rng.normal(0, 18, 3))
    return tuple(int(v) for v in rng.integers(0, 256, 3))


def background(w, h, rng):
    a, b = np.array(some_colour(rng), np.float32), np.array(some_colour(rng), np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    t = (xx * math.cos(angle) + yy * math.sin(angle)) / max(w, h)
    kind = rng.integers(4)
    if kind == 0:                                    # plain gradient
        t = t - t.min()
    elif kind == 1:                                  # stripes
        t = .5 + .5 * np.sin(t * rng.uniform(10, 60))
    elif kind == 2:                                  # soft blobs, like foliage
        n = int(rng.integers(4, 20))
        small = Image.fromarray(rng.integers(0, 256, (n, n), dtype=np.uint8))
        t = np.asarray(small.resize((w, h), Image.BICUBIC), np.float32) / 255
    else:                                            # a wall of bricks
        bh = rng.uniform(10, 26)
        row = np.floor(yy / bh)
        t = (((yy % bh) < 2.5) | (((xx + (row % 2) * bh) % (2 * bh)) < 2.5)).astype(np.float32)
    t = np.clip(t, 0, 1)[..., None]
    image = Image.fromarray((a + (b - a) * t).astype(np.uint8), "RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 6)):              # clutter
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(.04, .22) * w
        clutter(draw, x, y, r, some_colour(rng), rng)
    return image


def clutter(draw, x, y, r, colour, rng):
    kind = rng.integers(3)
    if kind == 0:
        ry = r * rng.uniform(.4, 1.5)
        draw.ellipse((x - r, y - ry, x + r, y + ry), fill=colour)
    elif kind == 1:
        angles = np.sort(rng.uniform(0, 2 * math.pi, rng.integers(3, 6)))
        draw.polygon([(x + r * math.cos(t), y + r * math.sin(t)) for t in angles], fill=colour)
    else:
        t = rng.uniform(0, math.pi)
        dx, dy = 3 * r * math.cos(t), 3 * r * math.sin(t)
        draw.line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=max(2, int(r * .3)))


def corners_in_view(w, h, rng, view):
    """Where the tile's four corners land in a w x h picture: a turned, tilted plate."""
    turn = view["turn"]
    yaw, pitch, roll = (math.radians(v) for v in
                        (rng.uniform(-turn, turn), rng.uniform(-28, 28), rng.normal(0, 8)))
    short = min(w, h)
    size = short * rng.uniform(view["small"], .43)   # half the sign's width in pixels
    cx = w / 2 + rng.uniform(-1, 1) * max(0, .45 * short - size)
    cy = h / 2 + rng.uniform(-1, 1) * max(0, .45 * short - size)
    out = []
    for x, y in [(-SPAN, -SPAN), (SPAN, -SPAN), (SPAN, SPAN), (-SPAN, SPAN)]:
        x, y = x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)
        x, z = x * math.cos(yaw), x * math.sin(yaw)
        y, z = y * math.cos(pitch) - z * math.sin(pitch), y * math.sin(pitch) + z * math.cos(pitch)
        s = 4 / (4 + z)                              # seen from four radii away
        out.append((cx + size * x * s, cy + size * y * s))
    return out, (cx, cy, size)


def perspective(corners):
    """Pillow's eight numbers that take a picture point back to the tile."""
    rows, rhs = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (TILE, 0), (TILE, TILE), (0, TILE)]):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        rhs += [u, v]
    return np.linalg.solve(np.array(rows), np.array(rhs)).tolist()


def recolour(tile, rng):
    """Old paint: the plate's colours fade, darken and drift."""
    rgb = np.asarray(tile, np.float32).copy()
    body = rgb[..., :3]
    grey = body.mean(-1, keepdims=True)
    body = grey + (body - grey) * rng.uniform(.55, 1.1)
    body = body * rng.uniform(.6, 1.05) + rng.uniform(0, 30) + rng.normal(0, 9, 3)
    rgb[..., :3] = np.clip(body, 0, 255)
    return Image.fromarray(rgb.astype(np.uint8), "RGBA")


def spoil(image, where, rng, view):
    """Shadow and things in the way, drawn over the sign."""
    cx, cy, size = where
    if rng.random() < 0.3:                           # the edge of a shadow or a sunlit half
        t, far = rng.uniform(0, 2 * math.pi), 3 * max(image.size)
        ox, oy = cx + rng.uniform(-.6, .6) * size, cy + rng.uniform(-.6, .6) * size
        mask = Image.new("L", image.size, 0)
        c, s = math.cos(t), math.sin(t)
        ImageDraw.Draw(mask).polygon([(ox - far * s, oy + far * c), (ox + far * s, oy - far * c),
                                      (ox + far * (s + c), oy + far * (s - c)),
                                      (ox + far * (c - s), oy + far * (s + c))], fill=255)
        f = rng.uniform(.35, .75)
        image.paste(image.point(lambda v: int(v * f)), (0, 0), mask)
    if rng.random() < view["hidden"]:                # leaves, posts, stickers
        draw = ImageDraw.Draw(image)
        for _ in range(rng.integers(1, 4)):
            t, d = rng.uniform(0, 2 * math.pi), rng.uniform(.3, 1.1) * size
            clutter(draw, cx + d * math.cos(t), cy + d * math.sin(t),
                    rng.uniform(.12, .34) * size, some_colour(rng), rng)
    return image


def camera(image, rng, view):
    """Blur, light, grain: what a cheap camera adds."""
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(.3, view["blur"])))
    if rng.random() < view["grey"]:
        image = image.convert("L").convert("RGB")
    x = np.asarray(image, np.float32) / 255
    x = x ** rng.uniform(.7, 1.5)
    x = (x - .5) * rng.uniform(view["contrast"], 1.15) + .5 + rng.uniform(-.14, .14)
    x = x + rng.normal(0, 1, x.shape).astype(np.float32) * (rng.random() ** 2 * view["grain"])
    return Image.fromarray((np.clip(x, 0, 1) * 255 + .5).astype(np.uint8), "RGB")


def draw_sign(split, index, label=None):
    """The picture number index of a split, and its label (index mod 16 if none is given)."""
    rng = np.random.default_rng([SPLITS[split], index])
    label = index % len(LABELS) if label is None else label
    view = HARD if split == "train" else USUAL
    w = h = int(rng.integers(72, 121))
    if rng.random() < 0.6:
        h = int(np.clip(w * rng.uniform(.75, 1.33), 72, 120))
    big = (2 * w, 2 * h)                             # draw at twice the size, for smooth edges
    image = background(*big, rng)
    tile = recolour(draw_flat(LABELS[label], rng), rng)
    corners, where = corners_in_view(*big, rng, view)
    if rng.random() < 0.5:                           # a post
        x = where[0] + rng.uniform(-.1, .1) * where[2]
        ImageDraw.Draw(image).line((x, where[1], x, big[1]), fill=some_colour(rng),
                                   width=max(3, int(where[2] * rng.uniform(.08, .2))))
    sign = tile.transform(big, Image.PERSPECTIVE, perspective(corners), Image.BILINEAR)
    image.paste(sign, (0, 0), sign)
    image = spoil(image, where, rng, view).reduce(2)
    return camera(image, rng, view), label


def jpeg_round_trip(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


if __name__ == "__main__":
    sheet = Image.new("RGB", (16 * 124, 8 * 124), (255, 255, 255))
    for i in range(128):
        sheet.paste(draw_sign("heldout", i)[0], ((i % 16) * 124, (i // 16) * 124))
    sheet.save(sys.argv[1])
