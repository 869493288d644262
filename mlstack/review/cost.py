"""What a change adds to the bill: standing charges by the month, unit prices for what depends on use, nothing invented.

Prices are those of `prices.json`, by region, with their date and source; `mlstack review --refresh-prices` reads them
anew. What it does not know is `not priced`, never 0.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mlstack.review.charges import CHARGES, UNKNOWN
from mlstack.review.model import Change, CostLine

PRICES_FILE = Path(__file__).with_name("prices.json")
_FREE_ENDPOINTS = "Gateway"


class RegionPrices(BaseModel):
    """What one region's prices were on a day."""

    recorded: str
    """The day, as YYYY-MM-DD."""
    source: str
    prices: dict[str, float]
    """In USD for one unit, by `Charge.key`. The first tier, where there are several."""


class PriceTable(BaseModel):
    """The committed file."""

    regions: dict[str, RegionPrices]


@cache
def prices() -> PriceTable:
    return PriceTable.model_validate_json(PRICES_FILE.read_text(encoding="utf-8"))


def cost(changes: Iterable[Change], region: str | None) -> tuple[CostLine, ...]:
    """A line for each resource with a charge that comes, goes or grows."""
    table = prices().regions.get(region or "")
    return tuple(line for change in changes for line in _lines(change, region, table.prices if table else {}))


def origin(region: str | None) -> str:
    """Of what day and where from the prices of this region are. Empty: there are none."""
    table = prices().regions.get(region or "")
    return f"prices of {table.recorded}, from {table.source}" if table else ""


def _lines(change: Change, region: str | None, table: Mapping[str, float]) -> Iterator[CostLine]:
    before, after = _units(change.type, change.old), _units(change.type, change.new)
    if change.operation == "create":
        before = 0
    if change.operation == "delete":
        after = 0
    if before == after or (change.type not in CHARGES and change.type not in UNKNOWN):
        return
    known = [each for each in CHARGES.get(change.type, ()) if each.key in table]
    standing = [table[each.key] * each.months for each in known if each.months]
    use = ", ".join(f"{_price(table[each.key])} {each.said}" for each in known if not each.months)
    if not known:
        where = f" for {region}" if region else ""
        yield CostLine(name=change.name, type=change.type, monthly=None, said=f"not priced{where}")
    else:
        monthly = round((after - before) * sum(standing), 2) if standing else None
        said = f"no longer {use}" if use and after < before else use
        yield CostLine(name=change.name, type=change.type, monthly=monthly, said=said)


def _price(usd: float) -> str:
    """With cents, or as many places as it has."""
    return f"{usd:.2f}" if round(usd, 2) == usd else f"{usd:g}"


def _units(type_: str, inputs: Mapping[str, Any]) -> int:
    """How many times the standing charge: an interface endpoint is charged in each of its subnets."""
    if not inputs:
        return 0
    if type_ == "aws:ec2/vpcEndpoint:VpcEndpoint":
        subnets = inputs.get("subnetIds")
        kind = inputs.get("vpcEndpointType", _FREE_ENDPOINTS)
        return 0 if kind == _FREE_ENDPOINTS else len(subnets) if isinstance(subnets, list) else 1
    return 1
