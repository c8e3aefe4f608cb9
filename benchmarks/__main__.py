"""Run the benchmarks and print one table: `python -m benchmarks [--quick] [--strict] [CLAIM …]`."""

import argparse
import importlib
import platform
import sys

from benchmarks.measuring import Missing, Row

CLAIMS = (
    *("stamping", "authoring", "validating", "growth", "hostile", "startup", "fixture"),
    *("ledger", "ledger_size", "verifying", "sending", "simulator"),
)


def main() -> int:
    """Print every row as it is measured; with --strict, 1 if an aim was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help=f"of {', '.join(CLAIMS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, not what it takes")
    parser.add_argument("--strict", action="store_true", help="exit 1 if an aim is missed or a peer is not installed")
    options = parser.parse_args()
    if unknown := set(options.claims) - set(CLAIMS):
        parser.error(f"no such claim: {', '.join(sorted(unknown))} (there are {', '.join(CLAIMS)})")
    rounds, turn = (3, 0.005) if options.quick else (61, 0.06)
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, medians in turns\n")
    print(f"{'claim':64} {'Khatm':>32} {'beside it':>26} {'ratio':>8}  aim")
    results: list[Row | Missing] = []
    for claim in options.claims or CLAIMS:
        measured = importlib.import_module(f"benchmarks.{claim}").measure(rounds=rounds, turn=turn)
        for row in measured:
            print(line(row), flush=True)
        results += measured
    missed = [row for row in results if isinstance(row, Missing) or row.held is False]
    return 1 if options.strict and missed else 0


def line(row: Row | Missing) -> str:
    """Write a row of the table."""
    if isinstance(row, Missing):
        return f"{row.claim:64} not measured: {row.reason}"
    aim = ""
    if row.aim is not None:
        aim = f"{'at least' if row.at_least else 'at most'} {row.aim:g}: {'held' if row.held else 'MISSED'}"
    return f"{row.claim:64} {row.ours:>32} {row.theirs:>26} {row.ratio:8.2f}  {aim}"


if __name__ == "__main__":
    sys.exit(main())
