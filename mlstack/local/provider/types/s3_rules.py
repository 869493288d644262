"""S3: encryption and lifecycle rules, from Pulumi's words to the API's and back."""

from typing import Any

from mlstack.local.provider.schema import Values
from mlstack.local.provider.types.aws import given


def put_encryption(client: Any, name: str, inputs: Values) -> None:
    rules = []
    for rule in inputs["rules"]:
        by_default = rule["applyServerSideEncryptionByDefault"]
        algorithm = given(SSEAlgorithm=by_default["sseAlgorithm"], KMSMasterKeyID=by_default.get("kmsMasterKeyId"))
        blocked = rule.get("blockedEncryptionTypes")
        rules.append(
            given(
                ApplyServerSideEncryptionByDefault=algorithm,
                BucketKeyEnabled=rule.get("bucketKeyEnabled"),
                BlockedEncryptionTypes=blocked and {"EncryptionType": blocked},
            )
        )
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def get_encryption(client: Any, name: str) -> Values:
    rules = []
    for rule in client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]:
        found = rule["ApplyServerSideEncryptionByDefault"]
        by_default = given(sseAlgorithm=found["SSEAlgorithm"], kmsMasterKeyId=found.get("KMSMasterKeyID"))
        enabled = bool(rule.get("BucketKeyEnabled"))
        rules.append({"applyServerSideEncryptionByDefault": by_default, "bucketKeyEnabled": enabled})
    return {"rules": rules}


def put_lifecycle(client: Any, name: str, inputs: Values) -> None:
    rules = []
    for rule in inputs["rules"]:
        uploads, versions, objects_ = (
            rule.get("abortIncompleteMultipartUpload"),
            rule.get("noncurrentVersionExpiration"),
            rule.get("expiration"),
        )
        rules.append(
            given(
                ID=rule["id"],
                Status=rule["status"],
                Filter={"Prefix": (rule.get("filter") or {}).get("prefix", "")},
                AbortIncompleteMultipartUpload=uploads and {"DaysAfterInitiation": uploads["daysAfterInitiation"]},
                NoncurrentVersionExpiration=versions
                and given(
                    NoncurrentDays=versions["noncurrentDays"],
                    NewerNoncurrentVersions=versions.get("newerNoncurrentVersions"),
                ),
                Expiration=objects_ and {"Days": objects_["days"]},
                Transitions=[
                    {"Days": each["days"], "StorageClass": each["storageClass"]} for each in rule.get("transitions", ())
                ]
                or None,
            )
        )
    client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def get_lifecycle(client: Any, name: str) -> Values:
    rules = []
    for rule in client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]:
        uploads, versions, objects_ = (
            rule.get("AbortIncompleteMultipartUpload"),
            rule.get("NoncurrentVersionExpiration"),
            rule.get("Expiration"),
        )
        rules.append(
            given(
                id=rule["ID"],
                status=rule["Status"],
                filter={"prefix": rule.get("Filter", {}).get("Prefix", "")},
                abortIncompleteMultipartUpload=uploads and {"daysAfterInitiation": uploads["DaysAfterInitiation"]},
                noncurrentVersionExpiration=versions and {"noncurrentDays": versions["NoncurrentDays"]},
                expiration=objects_ and {"days": objects_["Days"]},
                transitions=[
                    {"days": each["Days"], "storageClass": each["StorageClass"]} for each in rule.get("Transitions", ())
                ]
                or None,
            )
        )
    return {"rules": rules}
