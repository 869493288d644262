"""`make bench`: medians of whole processes, with peak memory, against an embedded cloud of its own.

python tools/bench.py [--runs 5] [--json FILE]
"""

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil
from ruamel.yaml import YAML

from mlstack.local.cloud import Cloud
from mlstack.local.engine import find_engine

PROJECT = Path(__file__).parents[1]

AIMS = {
    ("first up", "first register"): 12.0,
    ("unchanged preview", "unchanged register"): 7.0,
    ("deregister", "destroy"): 10.0,
    ("first register",): 8.0,
}
"""Seconds on two cores; a pair counts together."""

ADDED_AIM = {
    ("the same with policies", "unchanged preview"): 3.0,
    ("unchanged register", "import of ZenML"): 1.5,
}
"""Seconds that the first takes longer than the second."""

MEMORY_AIM = 400
"""MB of the largest process."""

TEAMS = 20
TEAMS_AIM = ("preview of 20 teams", "preview of one stack", 4.0, 1000)
"""A preview of so many stacks that are to be made, one of a single one, how many times longer, MB of any process."""


@dataclass(frozen=True)
class Sample:
    seconds: float
    megabytes: float
    """Peak of the largest process of the command's tree."""


def measure(command: list[str], environment: dict[str, str], log: Path) -> Sample:
    """One whole process, from start to exit."""
    with log.open("ab") as output:
        started = time.monotonic()
        pid = os.posix_spawnp(
            command[0],
            command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return Sample(time.monotonic() - started, usage.ru_maxrss / 1024)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--json", type=Path, help="also write the samples to this file")
    options = arguments.parse_args()

    samples: dict[str, list[Sample]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="mlstack-bench-") as directory:
        root = Path(directory) / "cloud"
        cloud = Cloud(root)
        engine = find_engine(_say)
        cloud.start(_say)
        try:
            os.chdir(PROJECT)
            environment = {**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment()}
            stages = _commands(environment)
            log = Path(directory) / "log"
            measure([_which("pulumi", environment), "stack", "select", "--create", "local"], environment, log)
            for run in range(1, options.runs + 1):
                for name, command in stages.items():
                    samples[name].append(measure(command, environment, log))
                _say(f"run {run} of {options.runs} done")
                for name, command in _previews(environment, Path(directory)).items():
                    samples[name].append(measure(command, environment, log))
            servers = _servers(root)
        finally:
            cloud.stop(_say)
    _report(samples, servers)
    if options.json:
        options.json.write_text(
            json.dumps({name: [vars(s) for s in taken] for name, taken in samples.items()}, indent=2)
        )


def _previews(environment: dict[str, str], directory: Path) -> dict[str, list[str]]:
    """Of one stack and of many, of which nothing is there yet."""
    yaml = YAML()
    settings = yaml.load((PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    commands = {}
    for name, teams in (("preview of one stack", 0), (f"preview of {TEAMS} teams", TEAMS)):
        settings["config"]["mlstack:name"] = "many"
        settings["config"]["mlstack:teams"] = [{"name": f"team-{number}"} for number in range(1, teams + 1)]
        file = directory / f"Pulumi.{teams}.yaml"
        with file.open("w", encoding="utf-8") as written:
            yaml.dump(settings, written)
        pulumi = _which("pulumi", environment)
        quiet = ["--stack", "local", "--non-interactive", "--suppress-outputs"]
        commands[name] = [pulumi, "preview", *quiet, "--config-file", str(file)]
    return commands


_POLICIES = ("--policy-pack", "policies/run", "--policy-pack-config", "policies/development.json")


def _commands(environment: dict[str, str]) -> dict[str, list[str]]:
    pulumi = _which("pulumi", environment)
    quiet = ["--stack", "local", "--non-interactive"]
    mlstack = [_which("mlstack", environment)]
    return {
        "first up": [pulumi, "up", "--yes", "--skip-preview", *quiet],
        "unchanged preview": [pulumi, "preview", "--expect-no-changes", *quiet],
        "the same with policies": [pulumi, "preview", "--expect-no-changes", *_POLICIES, *quiet],
        "import of ZenML": [sys.executable, "-c", "import zenml.client"],
        "first register": [*mlstack, "register", "--stack", "local"],
        "unchanged register": [*mlstack, "register", "--stack", "local"],
        "deregister": [*mlstack, "deregister", "--stack", "local"],
        "destroy": [pulumi, "destroy", "--yes", "--skip-preview", *quiet],
    }


def _servers(root: Path) -> dict[str, float]:
    """Peak memory in MB of the embedded cloud's own processes."""
    peaks = {}
    for process in psutil.process_iter(["cmdline", "name"]):
        command = " ".join(process.info["cmdline"] or ())
        if str(root) in command or (process.info["name"] or "").startswith("uvicorn"):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
            peaks[_name_of(command)] = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
    return peaks


def _name_of(command: str) -> str:
    found = re.search(r"mlstack\.local\.(\w+)", command)
    return f"server: {found[1] if found else 'zenml'}"


def _report(samples: dict[str, list[Sample]], servers: dict[str, float]) -> None:
    median = {name: statistics.median(sample.seconds for sample in taken) for name, taken in samples.items()}
    peak = {name: max(sample.megabytes for sample in taken) for name, taken in samples.items()}
    print(f"{'':<44}{'median':>9}{'aim':>9}{'peak memory':>14}")
    for name, seconds in median.items():
        print(f"{name:<44}{seconds:>7.1f} s{'':>9}{peak[name]:>11.0f} MB")
    for name, megabytes in servers.items():
        print(f"{name:<44}{'':>18}{megabytes:>11.0f} MB")
    for names, aim in AIMS.items():
        together = sum(median[name] for name in names)
        print(f"{' + '.join(names):<44}{together:>7.1f} s{aim:>7.1f} s")
    for (more, less), aim in ADDED_AIM.items():
        print(f"{f'{more} - {less}':<44}{median[more] - median[less]:>7.1f} s{aim:>7.1f} s")
    many, one, times, megabytes = TEAMS_AIM
    ratio = median[many] / median[one]
    print(f"{f'{many} / {one}':<44}{ratio:>7.1f} x{times:>7.1f} x{peak[many]:>11.0f} MB of {megabytes} MB")
    print(f"{'largest process':<44}{'':>9}{MEMORY_AIM:>6} MB{max([*peak.values(), *servers.values()]):>11.0f} MB")


def _which(program: str, environment: dict[str, str]) -> str:
    found = shutil.which(program, path=environment["PATH"])
    if found is None:
        sys.exit(f"{program} is not on PATH")
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
