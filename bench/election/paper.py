"""The Raft paper's Figure 16, in ms, read off the figure's own vectors.

Five servers, a broadcast time of about 15 ms, a heartbeat of half the minimum timeout, the leader
crashed at a uniformly random time within its heartbeat interval, two of the four survivors
ineligible because of their logs. From the crash until the others have the new leader's first
heartbeat.
"""

COLUMNS = ("min", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "max", "mean")

_ROWS = {
    "150-150": (9865, 19969, 28492, 41104, 60665, 84934, 121426, 527967, 527967, 54279),
    "150-151": (86, 434, 737, 1199, 1943, 3132, 4007, 6013, 8231, 1536),
    "150-155": (85, 119, 154, 287, 435, 609, 764, 1242, 2143, 345),
    "150-175": (84, 107, 121, 141, 164, 291, 314, 467, 610, 164),
    "150-200": (87, 110, 125, 146, 167, 194, 296, 352, 512, 156),
    "150-300": (93, 125, 144, 171, 208, 244, 265, 415, 603, 181),
    "100-200": (66, 85, 100, 120, 145, 166, 182, 277, 335, 125.4),
    "50-100": (37, 48, 56, 67, 79, 96, 120, 169, 253, 71.3),
    "25-50": (24, 31, 35, 43, 52, 74, 83, 119, 276, 47.9),
    "12-24": (15, 20, 24, 30, 42, 53, 67, 87, 152, 34.7),
}


RANGES = tuple(_ROWS)  # of timeouts, in ms


def figures(name):
    """The paper's figures for the timeout range `name`, by column; empty where it has none."""
    return dict(zip(COLUMNS, _ROWS.get(name, ())))
