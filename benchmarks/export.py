"""The export beside dlt, alone: ``python -m benchmarks.export [--quick]``."""

import argparse

from benchmarks import peers
from benchmarks.runs import pin_clients
from benchmarks.scenes import exports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer items, one round")
    quick = parser.parse_args().quick
    pin_clients()
    print(", ".join(f"{name} {version}" for name, version in peers.versions().items() if name == "dlt"))
    print(exports.run(exports.QUICK if quick else exports.FULL).markdown())


if __name__ == "__main__":
    main()
