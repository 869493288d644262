"""Samples for every rule: what it refuses, and what it lets pass. One module per module of rules."""

from tests.policies.samples import codebuild, ecr, iam, kms, logs, network, s3, stack

SAMPLES = (
    *iam.SAMPLES,
    *s3.SAMPLES,
    *ecr.SAMPLES,
    *kms.SAMPLES,
    *codebuild.SAMPLES,
    *logs.SAMPLES,
    *network.SAMPLES,
    *stack.SAMPLES,
)
