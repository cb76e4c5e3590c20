# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Draws small line charts side by side as SVG, in colours that show on white and on black."""

import math

WIDTH, HEIGHT, MARGIN, GAP = 340, 230, 48, 30
INK, LINE = "#7d7d7d", "#2f81d7"


def short(number):
    """A number as an axis shows it: 1000, 10k, 1.6M."""
    if number < 10_000:
        return str(number)
    return f"{number / 1e3:.3g}k" if number < 1_000_000 else f"{number / 1e6:.3g}M"


def text(x, y, words, anchor="middle", **more):
    """A line of text."""
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>{words}</text>'


def panel(left, top, title, unit, axis, points):
    """One chart; a point is x, and the values of its runs, of which the median is drawn and the
    others span a bar."""
    right, bottom = left + WIDTH - MARGIN - 12, top + HEIGHT - MARGIN
    head = top + 34
    highest = max(max(values) for _, values in points)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5) if step * 5 >= highest)
    ceiling = math.ceil(highest * 1.1 / step) * step
    first, last = (math.log(points[place][0]) for place in (0, -1))

    def across(x):
        return left + 14 + (math.log(x) - first) / (last - first) * (right - left - 28)

    def up(y):
        return bottom - y / ceiling * (bottom - head)

    shapes = [text(left, top + 8, title, "start", font_weight="bold"),
              text(left, top + 23, unit, "start")]
    for number in range(round(ceiling / step) + 1):
        y = up(number * step)
        shapes.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{INK}" stroke-opacity=".3"/>')
        shapes.append(text(left - 6, y + 4, f"{number * step:.3g}", "end"))
    middles = [(x, sorted(values)[len(values) // 2]) for x, values in points]
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in middles)
    shapes.append(f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    for (x, values), (_, middle) in zip(points, middles):
        place = across(x)
        shapes.append(f'<path d="M{place:.1f} {up(min(values)):.1f}V{up(max(values)):.1f}" '
                      f'stroke="{LINE}" stroke-opacity=".5"/>')
        shapes.append(f'<circle cx="{place:.1f}" cy="{up(middle):.1f}" r="3.5" fill="{LINE}"/>')
        shapes.append(text(place, up(max(values)) - 7, f"{middle:.2f}"))
        shapes.append(text(place, bottom + 16, short(x)))
    return shapes + [text((left + right) / 2, bottom + 33, axis)]


def draw(panels):
    """An SVG of panels, two in a row."""
    rows = (len(panels) + 1) // 2
    width, height = 2 * WIDTH + GAP, rows * HEIGHT + (rows - 1) * GAP // 2 + 10
    shapes = []
    for number, one in enumerate(panels):
        row, column = divmod(number, 2)
        shapes += panel(
            MARGIN + column * (WIDTH + GAP), 10 + row * (HEIGHT + GAP // 2), **one)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11" '
        f'fill="{INK}">', *shapes, "</svg>", ""])
