"""What a change adds to the bill: standing charges by the month, unit prices for what depends on use, nothing invented.

Prices are those of `prices.json`, with their date and source. What it does not know is `not priced`, never 0.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mlstack.review.model import Change, CostLine

_FILE = Path(__file__).with_name("prices.json")
_FREE_ENDPOINTS = "Gateway"


@cache
def prices() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def cost(changes: Iterable[Change], region: str | None) -> tuple[CostLine, ...]:
    """A line for each resource with a charge that comes, goes or grows."""
    table = prices()["regions"].get(region or "")
    return tuple(line for change in changes for line in _lines(change, region, table))


def _lines(change: Change, region: str | None, table: Mapping[str, Any] | None) -> Iterator[CostLine]:
    known = next(iter(prices()["regions"].values()))
    charged = {*known["standing"], *known["use"], *prices()["charged"]}
    before, after = _units(change.type, change.old), _units(change.type, change.new)
    if change.operation == "create":
        before = 0
    if change.operation == "delete":
        after = 0
    if change.type not in charged or before == after:
        return
    standing = (table or {}).get("standing", {}).get(change.type)
    use = (table or {}).get("use", {}).get(change.type, "") if after > before else ""
    if table is None or not (standing or use):
        where = f" for {region}" if region else ""
        yield CostLine(name=change.name, type=change.type, monthly=None, said=f"not priced{where}")
    else:
        monthly = round((after - before) * standing["month"], 2) if standing else None
        yield CostLine(name=change.name, type=change.type, monthly=monthly, said=use)


def _units(type_: str, inputs: Mapping[str, Any]) -> int:
    """How many times the standing charge: an interface endpoint is charged in each of its subnets."""
    if not inputs:
        return 0
    if type_ == "aws:ec2/vpcEndpoint:VpcEndpoint":
        subnets = inputs.get("subnetIds")
        kind = inputs.get("vpcEndpointType", _FREE_ENDPOINTS)
        return 0 if kind == _FREE_ENDPOINTS else len(subnets) if isinstance(subnets, list) else 1
    return 1
