"""Stands in for the `aws` command in the tests: `aws s3api get-object --bucket b` is boto3's `get_object(Bucket="b")`.

Names and values of the parameters are AWS's either way, so that what docs/state.md shows can be run as it stands there.
"""

import json
import sys

import boto3


def main(service: str, operation: str, *options: str) -> None:
    client = boto3.client({"s3api": "s3"}.get(service, service))
    method = operation.replace("-", "_")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    names = {_dashed(member): member for member in shape.members}
    given = dict(zip(options[::2], options[1::2], strict=True))
    answer = getattr(client, method)(**{names[option.removeprefix("--")]: value for option, value in given.items()})
    print(json.dumps({key: value for key, value in answer.items() if key != "ResponseMetadata"}, default=str, indent=4))


def _dashed(member: str) -> str:
    """`VersionId` is `version-id`."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in member).lstrip("-")


if __name__ == "__main__":
    main(*sys.argv[1:])
