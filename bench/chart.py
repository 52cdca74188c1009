"""Small SVG charts: grouped bars and cumulative curves. No third-party packages."""
import math
import os
from html import escape

COLORS = ["#9aa5b1", "#e08e45", "#2f7ed8", "#4a9d5b", "#b05cc4", "#c94f4f", "#6b7a3a", "#35a5a5"]
FONT = 'font-family="sans-serif" font-size="12"'


def _save(path, width, height, parts):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                   f'viewBox="0 0 {width} {height}"><rect width="100%" height="100%" fill="white"/>'
                   f'<g {FONT}>{"".join(parts)}</g></svg>\n')
    print(f"wrote {path}")


def _label(x, y, words, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
            f'{escape(words)}</text>')


def bars(path, title, unit, groups):
    """`groups` is a list of (name, [(series, value or None), ...]): one block of bars for each."""
    series = list(dict.fromkeys(name for _, values in groups for name, _ in values))
    color = {name: COLORS[i % len(COLORS)] for i, name in enumerate(series)}
    largest = max((v for _, values in groups for _, v in values if v is not None), default=1) or 1
    left, bar, width = 230, 15, 860
    parts = [_label(12, 22, f"{title} ({unit})", weight="bold")]
    y = 36
    for name, values in groups:
        shown = [(who, value) for who, value in values if value is not None]
        parts.append(_label(left - 8, y + bar * len(shown) / 2 + 4, name, "end"))
        for who, value in shown:
            length = (width - left - 200) * value / largest
            parts.append(f'<rect x="{left}" y="{y + 1}" width="{length:.1f}" height="{bar - 2}" '
                         f'fill="{color[who]}"/>')
            parts.append(_label(left + length + 5, y + 12, f"{value:.3g} {who}"))
            y += bar
        y += 9
    _save(path, width, y + 6, parts)


def cumulative(path, title, unit, curves):
    """`curves` is a list of (name, samples): the share of samples at or below x, x logarithmic."""
    curves = [(name, sorted(samples)) for name, samples in curves if samples]
    if not curves:
        return
    low = math.log10(max(min(samples[0] for _, samples in curves), 1e-3))
    high = math.log10(max(samples[-1] for _, samples in curves))
    high = max(high, low + 0.1)
    left, top, width, height = 50, 40, 620, 320

    def place(x, share):
        across = (math.log10(max(x, 1e-3)) - low) / (high - low)
        return f"{left + across * width:.1f},{top + (1 - share) * height:.1f}"

    parts = [_label(12, 22, f"{title} ({unit})", weight="bold"),
             f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" '
             f'stroke="#888"/>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(_label(left - 6, top + (1 - share) * height + 4, f"{share:.0%}", "end"))
    for exponent in range(math.floor(low), math.ceil(high) + 1):
        for step in (1, 2, 5):
            x = step * 10.0 ** exponent
            if low <= math.log10(x) <= high:
                across = left + (math.log10(x) - low) / (high - low) * width
                parts.append(f'<line x1="{across:.1f}" y1="{top}" x2="{across:.1f}" '
                             f'y2="{top + height}" stroke="#ddd"/>')
                parts.append(_label(across, top + height + 16, f"{x:g}", "middle"))
    for i, (name, samples) in enumerate(curves):
        points = " ".join(place(x, (k + 1) / len(samples)) for k, x in enumerate(samples))
        stroke = COLORS[i % len(COLORS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{stroke}" '
                     f'stroke-width="2"/>')
        parts.append(f'<rect x="{left + width + 12}" y="{top + 18 * i}" width="12" height="12" '
                     f'fill="{stroke}"/>')
        parts.append(_label(left + width + 30, top + 18 * i + 11, name))
    _save(path, left + width + 170, top + height + 30, parts)
