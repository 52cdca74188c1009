"""What is told about a set of trials."""


def quantile(ordered, share):
    """The sample at rank `share` of ordered samples, between neighbors linearly."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summarize(samples):
    """min, p10, p25, p50, p75, p90, p95, p99, max and mean of at least one sample."""
    ordered = sorted(samples)
    told = {"min": ordered[0], "max": ordered[-1], "mean": sum(ordered) / len(ordered)}
    for percent in (10, 25, 50, 75, 90, 95, 99):
        told[f"p{percent}"] = quantile(ordered, percent / 100)
    return told
