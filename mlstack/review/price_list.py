"""`mlstack review --refresh-prices REGION`: reads AWS's Price List, with the right `pricing:GetProducts`.

Source of usage types and shapes: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlstack.errors import MLStackError, UsageError
from mlstack.review.charges import CHARGES, Charge
from mlstack.review.cost import PriceTable, RegionPrices

_HOME = "us-east-1"
"""Where the Price List of all regions is asked for."""
_SOURCE = "https://api.pricing.us-east-1.amazonaws.com (AWS Price List, GetProducts)"


def refresh(file: Path, regions: list[str], say: Callable[[str], None]) -> None:
    """Write these regions' prices of today into the table; other regions stay as they are.

    Raises UsageError for a region that AWS has no prices of, MLStackError when AWS cannot be asked; both leave the file
    as it was.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    table = PriceTable.model_validate_json(file.read_text(encoding="utf-8"))
    try:
        for region in regions:
            say(f"asking AWS for the prices of {region}")
            found = RegionPrices(recorded=datetime.now(UTC).date().isoformat(), source=_SOURCE, prices=_prices(region))
            _tell(table.regions.get(region), found, say)
            table.regions[region] = found
    except (BotoCoreError, ClientError) as error:
        raise MLStackError(
            f"AWS's Price List does not answer: {error}", hint="it takes credentials that may pricing:GetProducts"
        ) from None
    table.regions = dict(sorted(table.regions.items()))
    file.write_text(table.model_dump_json(indent=2) + "\n", encoding="utf-8")
    say(f"written to {file.name}: commit it")


def _prices(region: str) -> dict[str, float]:
    import boto3

    client = boto3.Session().client("pricing", region_name=_HOME)
    charges = {charge.key: charge for several in CHARGES.values() for charge in several}
    prices = {key: price for key, charge in sorted(charges.items()) if (price := _price(client, charge, region))}
    if not prices:
        raise UsageError(f"AWS's Price List has nothing of {region!r}", hint="name a region such as eu-west-1")
    return prices


def _price(client: Any, charge: Charge, region: str) -> float | None:
    """In USD for one unit, of the first tier; None when there is not exactly one such price."""
    wanted = re.compile(rf"([A-Z0-9]+-)?{re.escape(charge.usage)}")
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=charge.service,
        FormatVersion="aws_v1",
        Filters=[
            {"Type": "EQUALS", "Field": "regionCode", "Value": region},
            {"Type": "CONTAINS", "Field": "usagetype", "Value": charge.usage},
        ],
    )
    products = (json.loads(text) for page in pages for text in page["PriceList"])
    found = {
        price
        for product in products
        if wanted.fullmatch(product["product"]["attributes"].get("usagetype", ""))
        for price in _first_tier(product)
    }
    return found.pop() if len(found) == 1 else None


def _first_tier(product: Any) -> Iterator[float]:
    for offer in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in offer["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            # A free tier has a price of nothing, and is not what the next one costs.
            if dimension.get("beginRange") == "0" and usd:
                yield usd


def _tell(before: RegionPrices | None, now: RegionPrices, say: Callable[[str], None]) -> None:
    known = {charge.key for several in CHARGES.values() for charge in several}
    for key in sorted(known):
        old, new = before.prices.get(key) if before else None, now.prices.get(key)
        if new is None:
            say(f"  {key}: not found, so not priced")
        elif new != old:
            say(f"  {key}: {'' if old is None else f'{old:g} -> '}{new:g} USD")
