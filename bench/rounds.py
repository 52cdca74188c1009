"""Contenders take turns: a machine drifts by more than they differ, within a round less so."""


def take_turns(names, rounds, measure):
    """Calls measure(name) for each, round after round; returns {name: [figures of each round]}."""
    taken = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)  # nobody always goes first
        for name in names[shift:] + names[:shift]:
            taken[name].append(measure(name))
    return taken


def ratios(taken, name, yardstick, key):
    """Of each round, the contender's figure by the yardstick's; sorted."""
    return sorted(mine[key] / base[key] for mine, base in zip(taken[name], taken[yardstick]))
