"""Encryption keys."""

from policies import kms
from tests.policies.samples.sample import passes, policy, refused
from tests.policies.shown import Given

ROTATION = "kms-without-rotation"
OPEN = "kms-open-to-everybody"
USE = {"Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
CALLER = {"StringEquals": {"kms:CallerAccount": "123456789012"}}
VIA = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}

SAMPLES = (
    refused(ROTATION, "nothing said", Given(kms.KEY, {}), says="not rotated"),
    passes(ROTATION, "rotated", Given(kms.KEY, {"enableKeyRotation": True})),
    passes(ROTATION, "a kind that AWS cannot rotate", Given(kms.KEY, {"customerMasterKeySpec": "RSA_4096"})),
    refused(OPEN, "everybody", Given(kms.KEY, {"policy": policy(USE)}), says="allows everybody"),
    refused(
        OPEN,
        "everybody through a service",
        Given(kms.KEY, {"policy": policy({**USE, "Condition": VIA})}),
        says="allows everybody",
    ),
    passes(OPEN, "everybody of one account", Given(kms.KEY, {"policy": policy({**USE, "Condition": CALLER})})),
    passes(OPEN, "AWS's own policy", Given(kms.KEY, {})),
)
