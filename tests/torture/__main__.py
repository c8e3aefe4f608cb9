"""`python -m tests.torture [--documents 5000] [--store sqlite|postgresql] [--seed 1]`: the large size."""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import tests.conftest  # noqa: F401 (the guard that keeps everything on loopback)
from tests.postgresql import VARIABLE, server
from tests.torture.plan import Plan
from tests.torture.run import Outcome, torture


def main() -> int:
    """Run once and print what was counted; 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-every", type=float, default=1.0, help="seconds between two kills, on average")
    options = parser.parse_args()
    plan = Plan(options.documents, options.seed, kill_every=options.kill_every)
    with tempfile.TemporaryDirectory(prefix="khatm-torture-") as folder:
        if options.store == "sqlite":
            outcome = torture(plan, Path(folder))
        else:
            with server(os.environ.get(VARIABLE)) as postgresql, postgresql.database() as address:
                outcome = torture(plan, Path(folder), address)
    print(json.dumps(asdict(outcome), ensure_ascii=False, indent=1))
    return 1 if failed(outcome) else 0


def failed(outcome: Outcome) -> bool:
    """Say whether something is wrong, waits, was printed, or gives a secret away."""
    return bool(outcome.findings.wrong or outcome.waiting or outcome.output or outcome.leaks)


if __name__ == "__main__":
    sys.exit(main())
