"""Writes docs/policies.md: how the policy pack is used, and every rule of it with its level in both profiles."""

import json
from pathlib import Path
from typing import Any

from policies.pack import RULES

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "policies.md"
PROFILES = ("development", "production")

HEAD = """\
# Policies

<!-- Written by `python -m tools.policy_rules` from policies/. -->

`policies/` is a policy pack (Pulumi CrossGuard): rules that every preview and every update is held against, on any
backend and without Pulumi Cloud.

```
pulumi preview --policy-pack policies/run --policy-pack-config policies/production.json
```

- **`policies/run`**, an executable, works with every engine from 3.255 on. It uses the `.venv` beside `Pulumi.yaml`,
  which `make setup` fills.
- **`policies`**, the folder, is what the official CLI takes as well: `--policy-pack policies`. An engine that mlstack
  built from Go modules has a language host that starts no folder. There only the executable works, and so only the
  executable is run in the tests.
- **What is deployed** can be judged without program and provider: `pulumi stack export --file state.json`, then
  `pulumi policy analyze --file state.json` with the same two options.

## Levels

`policies/production.json` and `policies/development.json` fit the profiles of `mlstack:profile` and give each rule a
level: `mandatory` ends the preview with an error, `advisory` is a line in it, `disabled` is nothing. Without
`--policy-pack-config` every rule is advisory. A file of your own may set any level and option:

```json
{
  "all": "mandatory",
  "s3-without-access-logs": "disabled",
  "stack-missing-tags": {"enforcementLevel": "mandatory", "required": ["team"]}
}
```

## What a rule cannot see

- A value that only the deployment makes known. The rule then says in an advisory line which value of which resource
  that is, whatever its level, and judges it in the update. The stack computes its names and ARNs, so the key's ARN is
  the only such value of its own: `stack-secret-in-output` says so of the outputs that hold it.
- What it was to see when it fails itself: its error is reported in the same way, and ends nothing.
- Rules marked `stack` look at several resources together, after all are declared. `pulumi up` runs them in its preview;
  with `--skip-preview` they come after the resources.
- Resources of other stacks: a bucket that gets its policy elsewhere is a bucket without a policy.
- A credential in an output that has neither the shape nor the name of one and is not marked as secret anywhere.
- IAM actions of services outside `policies/actions.json`: the rule says which.

"""


def render() -> str:
    return HEAD + _rules() + "\n" + _options()


def _rules() -> str:
    levels = {profile: _configuration(profile) for profile in PROFILES}
    lines = [
        "## Rules\n",
        "| rule | severity | refuses | way out | development | production |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        asked = [_level(levels[profile][rule.name]) for profile in PROFILES]
        name = f"[`{rule.name}`]({rule.url}){' stack' if rule.whole_stack else ''}"
        lines.append(f"| {' | '.join((name, rule.severity.value, rule.title, rule.remedy, *asked))} |")
    return "\n".join(lines) + "\n"


def _options() -> str:
    levels = {profile: _configuration(profile) for profile in PROFILES}
    lines = [
        "## Options\n",
        "| rule | option | what it is | default | development | production |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        for option, schema in rule.options.items():
            given = [_given(levels[profile][rule.name], option) for profile in PROFILES]
            about = (f"`{rule.name}`", f"`{option}`", str(schema["description"]), _code(schema["default"]), *given)
            lines.append(f"| {' | '.join(about)} |")
    return "\n".join(lines) + "\n"


def _configuration(profile: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / "policies" / f"{profile}.json").read_text(encoding="utf-8"))
    return read


def _level(entry: Any) -> str:
    return str(entry["enforcementLevel"] if isinstance(entry, dict) else entry)


def _given(entry: Any, option: str) -> str:
    return _code(entry[option]) if isinstance(entry, dict) and option in entry else ""


def _code(value: Any) -> str:
    return f"`{json.dumps(value)}`"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
