"""Tries the backend once, as the engine uses it."""

from mlstack.backend.aws import Clients
from mlstack.backend.documents import PROBE
from mlstack.backend.place import Place
from mlstack.errors import MLStackError


def probe(place: Place, key_arn: str, aws: Clients) -> None:
    """Writes, reads and deletes an object, encrypts and decrypts a secret. Raises MLStackError when one differs."""
    of = {"Bucket": place.names.bucket, "Key": PROBE, "ExpectedBucketOwner": place.account_id}
    aws.s3.put_object(**of, Body=b"probe")
    try:
        read = aws.s3.get_object(**of)
        if read["Body"].read() != b"probe" or read.get("SSEKMSKeyId") != key_arn:
            raise MLStackError(
                f"{PROBE} in {place.names.bucket} was not encrypted with {key_arn}",
                hint="mlstack backend bootstrap --check shows what is not as it should be",
            )
    finally:
        aws.s3.delete_object(**of)
    kept = aws.kms.encrypt(KeyId=place.names.key_alias, Plaintext=b"probe")
    if aws.kms.decrypt(CiphertextBlob=kept["CiphertextBlob"])["Plaintext"] != b"probe":
        raise MLStackError(f"{place.names.key_alias} does not give back what it encrypted")
