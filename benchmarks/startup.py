"""How long the command line takes to show its help, against the imports alone that it stands on."""

import statistics
import subprocess
import sys
import time

ROUNDS = 15
COMMANDS = {
    "aishoot --help": [sys.executable, "-m", "aishoot_async", "--help"],
    "import cyclopts, rich": [sys.executable, "-c", "import cyclopts, rich"],
    "python": [sys.executable, "-c", "pass"],
}


def seconds(command: list[str]) -> float:
    """Time one run of a command."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Time the commands in turn, and print their medians and the ratio."""
    runs: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            runs[name].append(seconds(command))
    medians = {name: statistics.median(times) for name, times in runs.items()}
    for name, median in medians.items():
        print(f"{name:24} {1000 * median:6.0f} ms  ({1000 * min(runs[name]):.0f} to {1000 * max(runs[name]):.0f})")
    print(f"help / imports           {medians['aishoot --help'] / medians['import cyclopts, rich']:6.2f}")


if __name__ == "__main__":
    main()
