"""What the command lines of all drivers share."""
import argparse
import sys


def parser(name, description):
    made = argparse.ArgumentParser(prog=f"bench/run {name}", description=description)
    made.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    for hidden in ("--binaries", "--out"):
        made.add_argument(hidden, required=True, help=argparse.SUPPRESS)
    made.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    return made


def parse(made):
    """Parses the command line; `--check` ends here, for bench/run to try it before it builds."""
    parsed = made.parse_args()
    if parsed.check:
        sys.exit(0)
    return parsed


def one_of(allowed):
    """A type for argparse: a comma-separated choice among `allowed`, in the given order."""
    def parse_list(words):
        chosen = words.split(",")
        unknown = [word for word in chosen if word not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"'{unknown[0]}' is unknown; allowed: {', '.join(allowed)}")
        return chosen
    return parse_list


def positive(words):
    """A type for argparse: a comma-separated list of whole numbers above zero."""
    try:
        numbers = [int(word) for word in words.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"'{words}' is not a list of whole numbers above zero")
    return numbers
