"""Figure 16's two panels, drawn by gnuplot: our curves over the paper's points."""
import os
import subprocess
import tempfile

from bench.election import paper

# As in the figure: how much randomness there is, and how long the timeouts are.
PANELS = [
    ("the same minimum, more randomness", ["150-150", "150-151", "150-155", "150-175", "150-200",
                                           "150-300"], "set logscale x\nset xrange [60:600000]"),
    ("randomness in proportion, other minima", ["12-24", "25-50", "50-100", "100-200", "150-300"],
     "unset logscale x\nset xrange [0:600]"),
]
SHARES = {"min": 0, "p10": 10, "p25": 25, "p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99,
          "max": 100}


def _write(path, points):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{x} {y}\n" for x, y in points)


def _panel(folder, title, names, axis, curves):
    """The commands for one panel; its data go into `folder`."""
    lines = []
    for color, name in enumerate((n for n in names if n in curves), start=1):
        ordered = sorted(curves[name])
        step = max(1, len(ordered) // 1000)
        ours, theirs = (os.path.join(folder, f"{kind}-{name}") for kind in ("ours", "paper"))
        _write(ours, [(ordered[i], 100 * (i + 1) / len(ordered))
                      for i in range(0, len(ordered), step)])
        _write(theirs, [(paper.figures(name)[column], share) for column, share in SHARES.items()])
        lines.append(f"'{ours}' with lines linewidth 2 linecolor {color} title '{name} ms'")
        lines.append(f"'{theirs}' with points pointtype 6 linecolor {color} notitle")
    if not lines:
        return ""
    return (f"set title 'Time without a leader: {title}'\n{axis}\n"
            f"plot {', '.join(lines)}\n")


def draw(path, curves):
    """`curves` are the samples (ms) by timeout range."""
    with tempfile.TemporaryDirectory() as folder:
        panels = [_panel(folder, *panel, curves) for panel in PANELS]
        commands = ("set terminal svg size 900,900 background rgb 'white' font 'sans-serif,13'\n"
                    f"set output '{path}'\n"
                    "set key bottom right\nset grid\nset yrange [0:100]\n"
                    "set ylabel 'cumulative percent'\nset xlabel 'ms (points: the Raft paper)'\n"
                    "set multiplot layout 2,1\n" + "".join(panels) + "unset multiplot\n")
        subprocess.run(["gnuplot"], input=commands, text=True, check=True)
    print(f"wrote {path}")
