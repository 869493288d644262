"""`--refresh-prices` against a stand-in for AWS's Price List, asked by the real boto3.

The stand-in answers in the shape that AWS documents; that AWS still names its usage types so is not shown.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mlstack.errors import MLStackError, UsageError
from mlstack.review.cost import PRICES_FILE, PriceTable
from mlstack.review.price_list import refresh


def product(region: str, usage: str, *tiers: tuple[str, str]) -> dict[str, Any]:
    dimensions = {
        f"tier-{begin}": {"beginRange": begin, "endRange": "Inf", "unit": "U", "pricePerUnit": {"USD": usd}}
        for begin, usd in tiers
    }
    return {
        "product": {"sku": usage, "attributes": {"regionCode": region, "usagetype": usage}},
        "terms": {"OnDemand": {"offer": {"priceDimensions": dimensions}}},
    }


PRODUCTS: dict[str, list[dict[str, Any]]] = {
    "awskms": [product("eu-west-1", "EUW1-KMS-Keys", ("0", "1.0000000000"))],
    "AmazonEC2": [
        product("eu-west-1", "EU-NatGateway-Hours", ("0", "0.0480000000")),
        product("eu-west-1", "EU-RegionalNatGateway-Hours", ("0", "9.0")),
    ],
    "AmazonS3": [
        product("eu-west-1", "EU-TimedStorage-ByteHrs", ("51200", "0.0220000000"), ("0", "0.0230000000")),
        product("us-west-2", "USW2-TimedStorage-ByteHrs", ("0", "7.0")),
    ],
    "AmazonVPC": [
        product("eu-west-1", "EU-VpcEndpoint-Hours", ("0", "0.01")),
        product("eu-west-1", "EUW1-VpcEndpoint-Hours", ("0", "0.02")),
    ],
}


class PriceList(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(self.headers["X-Amz-Target"])
        wanted = {each["Field"]: each["Value"] for each in asked["Filters"]}
        matching = [
            json.dumps(each)
            for each in PRODUCTS.get(asked["ServiceCode"], [])
            if each["product"]["attributes"]["regionCode"] == wanted["regionCode"]
            and wanted["usagetype"] in each["product"]["attributes"]["usagetype"]
        ]
        # One product a page: the real one gives up to a hundred.
        at = int(asked.get("NextToken", 0))
        answer: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": matching[at : at + 1]}
        if at + 1 < len(matching):
            answer["NextToken"] = str(at + 1)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def price_list(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), PriceList)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "prices.json"
    held = PriceTable.model_validate_json(PRICES_FILE.read_text(encoding="utf-8"))
    held.regions.pop("eu-west-1", None)
    file.write_text(held.model_dump_json(), encoding="utf-8")
    return file


@pytest.mark.usefixtures("price_list")
def test_a_region_is_added_with_its_day_and_source_and_the_others_stay(table: Path) -> None:
    before = PriceTable.model_validate_json(table.read_text())
    said: list[str] = []
    refresh(table, ["eu-west-1"], said.append)
    after = PriceTable.model_validate_json(table.read_text())
    assert after.regions["us-east-1"] == before.regions["us-east-1"]
    found = after.regions["eu-west-1"]
    assert found.prices == {
        "awskms/KMS-Keys": 1.0,
        "AmazonEC2/NatGateway-Hours": 0.048,  # not the regional gateway's
        "AmazonS3/TimedStorage-ByteHrs": 0.023,  # the first tier, of this region
    }
    assert found.source.startswith("https://")
    assert "  AmazonECR/TimedStorage-ByteHrs: not found, so not priced" in said
    assert set(PriceList.asked) == {"AWSPriceListService.GetProducts"}


@pytest.mark.usefixtures("price_list")
def test_two_prices_for_one_thing_are_none(table: Path) -> None:
    refresh(table, ["eu-west-1"], lambda _: None)
    prices = PriceTable.model_validate_json(table.read_text()).regions["eu-west-1"].prices
    assert "AmazonVPC/VpcEndpoint-Hours" not in prices


@pytest.mark.usefixtures("price_list")
def test_a_region_that_aws_does_not_know_changes_nothing(table: Path) -> None:
    before = table.read_bytes()
    with pytest.raises(UsageError, match="nothing of 'eu-wst-1'"):
        refresh(table, ["eu-wst-1"], lambda _: None)
    assert table.read_bytes() == before


def test_without_credentials_nothing_changes_and_the_right_is_named(
    table: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    before = table.read_bytes()
    with pytest.raises(MLStackError) as error:
        refresh(table, ["eu-west-1"], lambda _: None)
    assert "pricing:GetProducts" in (error.value.hint or "")
    assert table.read_bytes() == before
