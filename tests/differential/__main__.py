"""The command: `python -m tests.differential --count 20000 --seed 1 --jobs 2`."""

import argparse
import sys
import time
from pathlib import Path

from tests.differential import campaign, record
from tests.differential.mutate import make
from tests.differential.originals import pool


def main() -> int:
    """Run a campaign or show one case again; 1 if a difference has no reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many documents")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--corpus", type=Path, help="a folder with official/ and rules/: start from its documents too")
    parser.add_argument("--replay", type=int, metavar="NUMBER", help="show one document and its differences")
    parser.add_argument("--save", type=Path, metavar="FILE", help="with --replay: write the document")
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/second-opinion.md")
    wanted = parser.parse_args()
    if wanted.replay is not None:
        return _replay(wanted)
    began = time.perf_counter()
    tally = campaign.Tally()
    for part in campaign.run_in_processes(wanted.seed, wanted.count, wanted.jobs, wanted.corpus):
        tally.add(part)
        for each in part.unexplained:
            print(each, flush=True)
        print(f"\r{tally.documents} of {wanted.count}", end="", file=sys.stderr, flush=True)
    print(f"\n{record.summary(tally)}\n{time.perf_counter() - began:.0f} s")
    if wanted.record:
        record.keep(tally, seed=wanted.seed)
    return 1 if tally.unexplained else 0


def _replay(wanted: argparse.Namespace) -> int:
    case = make(wanted.seed, wanted.replay, pool(wanted.corpus))
    comparison, _ = campaign.judged(case)
    open_, known = campaign.unexplained(case, comparison)
    print(campaign.told(case, open_))
    for each in comparison.disagreements:
        print(f"  {'unexplained' if each in open_ else 'explained'}: {str(each)[:400]}")
    print(f"  reasons: {', '.join(known) or 'none'}; stages: {comparison.stages}")
    if wanted.save is not None:
        wanted.save.write_bytes(case.xml)
    return 1 if open_ else 0


if __name__ == "__main__":
    sys.exit(main())
