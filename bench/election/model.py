"""How long an election should take: the model of Ongaro's dissertation, chapter 9.

Timeouts are uniform in [a, b]; of the survivors, `eligible` may win; the leader falls silent at a
uniformly random time within its heartbeat interval. All times in ms.
"""
from math import comb, floor


def first_timeout(low, high, eligible):
    """The mean of the earliest of `eligible` timeouts."""
    return low + (high - low) / (eligible + 1)


def mean_without_splits(low, high, eligible, timeout_to_heartbeat, heartbeat):
    """The mean time without a leader if the first candidate always wins."""
    return first_timeout(low, high, eligible) + timeout_to_heartbeat - heartbeat / 2


def split_probability(low, high, servers, alive, vote_time):
    """The probability that so many time out within `vote_time` that nobody gets a majority.

    `vote_time` is from a candidate's timeout until a voter has its request: the candidate's write
    and one hop. Each of the `alive` servers then counts as independent.
    """
    if high <= low:
        return 1.0 if vote_time > 0 else 0.0
    share = min(vote_time / (high - low), 1.0)
    candidates = alive - floor(servers / 2) + 1  # so many leave too few votes for any of them
    return sum(comb(alive, k) * share**k * (1 - share)**(alive - k)
               for k in range(candidates - 1, alive + 1))


def mean_with_splits(low, high, eligible, timeout_to_heartbeat, heartbeat, probability):
    """The same with failed rounds: each costs one more earliest timeout."""
    plain = mean_without_splits(low, high, eligible, timeout_to_heartbeat, heartbeat)
    if probability >= 1:
        return float("inf")
    return plain + probability / (1 - probability) * first_timeout(low, high, eligible)
