"""Whole-process time of the commands that a person waits for: `--help`, each command's help, `verify` of a small plan.

Beside them, in the same run, what the machine needs for a Python that does nothing, and for importing typer alone.

    python benchmarks/startup.py [--runs N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "format-1"


def measure(command: list[str], runs: int) -> tuple[float, float]:
    """Return the fastest and the median wall time of *command*, in milliseconds; insists on exit code 0."""
    times = []
    environment = os.environ | {"AWS_EC2_METADATA_DISABLED": "true"}
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        times.append(1000 * (time.perf_counter() - began))
    times.sort()
    return times[0], times[len(times) // 2]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    labelplan = [sys.executable, "-m", "labelplan"]
    commands = {
        "python -c pass (the limit)": [sys.executable, "-c", "pass"],
        "python -c 'import typer'": [sys.executable, "-c", "import typer"],
        "labelplan --help": [*labelplan, "--help"],
        "labelplan plan --help": [*labelplan, "plan", "--help"],
        "labelplan verify (small plan)": [*labelplan, "verify", *golden_arguments()],
    }
    print(f"{'command':34} {'best ms':>8} {'median ms':>10}")
    for name, command in commands.items():
        best, median = measure(command, runs)
        print(f"{name:34} {best:8.0f} {median:10.0f}")


def golden_arguments() -> list[str]:
    """Return the golden plan and its signers file."""
    (plan,) = GOLDEN.glob("*.plan.json")
    return [str(plan), "--signers", str(next(GOLDEN.glob("*signers.yaml")))]


if __name__ == "__main__":
    main()
