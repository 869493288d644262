"""What AWS charges for, by resource type, and what AWS's Price List calls it."""

from collections.abc import Mapping
from typing import NamedTuple

HOURS = 730.0
"""In a month, as AWS reckons in its own calculator."""


class Charge(NamedTuple):
    """One price of one resource type. Its key in the price table is `service/usage`."""

    service: str
    """Service code of the Price List."""
    usage: str
    """Usage type, without the region's prefix such as `EUW1-`."""
    said: str
    """Of a charge by use: what the unit is. Of a standing one: for each what."""
    months: float = 0
    """Of a standing charge, what makes a month's of one unit's price. 0 for one that depends on use."""

    @property
    def key(self) -> str:
        return f"{self.service}/{self.usage}"


CHARGES: Mapping[str, tuple[Charge, ...]] = {
    "aws:kms/key:Key": (Charge("awskms", "KMS-Keys", "key", 1),),
    "aws:secretsmanager/secret:Secret": (Charge("AWSSecretsManager", "AWSSecretsManager-Secrets", "secret", 1),),
    "aws:ec2/natGateway:NatGateway": (
        Charge("AmazonEC2", "NatGateway-Hours", "gateway", HOURS),
        Charge("AmazonEC2", "NatGateway-Bytes", "for each GB"),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Charge("AmazonVPC", "VpcEndpoint-Hours", "interface endpoint and subnet", HOURS),
        Charge("AmazonVPC", "VpcEndpoint-Bytes", "for each GB"),
    ),
    "aws:s3/bucket:Bucket": (Charge("AmazonS3", "TimedStorage-ByteHrs", "for each GB a month"),),
    "aws:ecr/repository:Repository": (Charge("AmazonECR", "TimedStorage-ByteHrs", "for each GB a month"),),
    # A rule costs nothing; what ECR keeps because of it is stored as any image.
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": (
        Charge("AmazonECR", "TimedStorage-ByteHrs", "for each GB a month"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        Charge("AmazonCloudWatch", "DataProcessing-Bytes", "for each GB that comes in"),
        Charge("AmazonCloudWatch", "TimedStorage-ByteHrs", "for each GB a month"),
    ),
    "aws:codebuild/project:Project": (
        Charge("CodeBuild", "Build-Min:Linux:g1.small", "a minute on a small Linux machine"),
        Charge("CodeBuild", "Build-Min:Linux:g1.medium", "a minute on a medium one"),
    ),
}

UNKNOWN = frozenset(
    {
        "aws:sagemaker/endpoint:Endpoint",
        "aws:sagemaker/app:App",
        "aws:sagemaker/notebookInstance:NotebookInstance",
        "aws:ec2/flowLog:FlowLog",
    }
)
"""Charged for by what they run or write: said as not priced, never as nothing."""
