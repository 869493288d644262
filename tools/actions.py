"""Writes policies/actions.json: the IAM actions of the services that an ML stack speaks of, as cfn-lint knows them.

A part of cfn-lint's two megabytes, so that the pack starts fast and a review shows which actions came and went.
"""

import json
from importlib.resources import files

from policies.actions import FILE

SERVICES = (
    "apprunner",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "codeconnections",
    "ec2",
    "ecr",
    "ecr-public",
    "ecs",
    "eks",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "sagemaker-mlflow",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "tag",
)


def render() -> str:
    known = json.loads(files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text(encoding="utf-8"))
    return json.dumps({service: sorted(known[service]["Actions"]) for service in SERVICES}, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
