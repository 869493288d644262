"""Where AWS says what each action of a service is about: resource types and condition keys."""

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"

CODEBUILD = f"{_REFERENCE}list_awscodebuild.html"
EC2 = f"{_REFERENCE}list_amazonec2.html"
ECR = f"{_REFERENCE}list_amazonelasticcontainerregistry.html"
IAM = f"{_REFERENCE}list_awsidentityandaccessmanagementiam.html"
KMS = f"{_REFERENCE}list_awskeymanagementservice.html"
LOGS = f"{_REFERENCE}list_amazoncloudwatchlogs.html"
S3 = f"{_REFERENCE}list_amazons3.html"
