#!/usr/bin/env python3
"""What is said twice is said alike: options of the module and of the role, the flags of the program, versions. Started by
tests/ansible/run.

    agree.py PROGRAM
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "packaging/ansible"
sys.path.insert(0, str(COLLECTION / "plugins/module_utils"))
from command_line import OPTIONS, TAKEN_AWAY  # noqa: E402  It is found by the line before.

# Flags that are not for a task: how the answer is printed, questions, and plans that are saved.
NOT_FOR_TASKS = {
    "json", "answers", "print-answers", "quiet", "verbose", "color", "help", "yes", "dry-run", "exit-code", "save-plan",
    # What is renewed by a scheduler, or only simulated; and a trial that leaves no state.
    "scheduled", "simulate", "simulate-life", "simulate-outage", "graceful",
}
# By the environment, as it may hold a password; a trial of an order, which is no state of a server; files instead of a server.
OTHERWISE = {"enable": {"proxy", "rehearse"}, "renew": {"proxy"}, "check": {"cert", "chain", "domain", "key"}}
failed = 0


def agrees(one, other, words):
    """Both are the same."""
    global failed
    if one != other:
        failed += 1
        print(f"FAILED: {words}: {sorted(set(one) - set(other))} and {sorted(set(other) - set(one))}")


def documented(module):
    """Options as ansible-doc has them."""
    shown = subprocess.run(["ansible-doc", "-j", f"esync.ssl.{module}"], check=True, capture_output=True, text=True).stdout
    return set(json.loads(shown)[f"esync.ssl.{module}"]["doc"]["options"])


def main():
    """Compares."""
    module = documented("https")
    role = yaml.safe_load((COLLECTION / "roles/https/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    agrees(module - {"executable"}, set(role["https_sites"]["options"]) - {"bring"}, "options of module and role")
    agrees(module - {"executable"}, set(role["https_defaults"]["options"]) - {"bring"}, "options of module and https_defaults")
    tasks = (COLLECTION / "roles/https/tasks/posix.yml").read_text()
    passed = set(re.findall(r"^    (\w+): \"\{\{", tasks.split("esync.ssl.https:")[1].split("  vars:")[0], re.MULTILINE))
    agrees(module, passed, "options of module and what the role passes on")
    given = set(OPTIONS["enable"]) | set(OPTIONS["disable"]) | {"executable", "state", "passphrase", "proxy"}
    agrees(module, given, "options of module and command line")
    for command, options in OPTIONS.items():
        helped = subprocess.run([sys.argv[1], *command.split(), "--help"], check=True, capture_output=True, text=True).stdout
        flags = set(re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)", helped, re.MULTILINE)) - NOT_FOR_TASKS
        ours = {("no-" if option in TAKEN_AWAY else "") + option.replace("_", "-") for option in options}
        agrees(flags, ours | OTHERWISE.get(command, set()), f"flags of {command} and command line")
    cargo = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    galaxy = yaml.safe_load((COLLECTION / "galaxy.yml").read_text())["version"]
    agrees([cargo], [galaxy], "versions of Cargo.toml and galaxy.yml")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
