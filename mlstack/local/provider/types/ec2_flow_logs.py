"""EC2: flow logs, which say what addresses a VPC's network interfaces talk to."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, integer, string
from mlstack.local.provider.types.aws import given, refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, tagged, tags_of, update_tags

_GONE = "InvalidFlowLogId.NotFound"


def _create(call: Call, inputs: Values) -> str:
    made = call.client.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[inputs["vpcId"]],
        TrafficType=inputs["trafficType"],
        **given(
            LogDestinationType=inputs.get("logDestinationType"),
            LogDestination=inputs.get("logDestination"),
            DeliverLogsPermissionArn=inputs.get("iamRoleArn"),
            MaxAggregationInterval=inputs.get("maxAggregationInterval"),
        ),
        **tagged(call, "vpc-flow-log"),
    )
    for failed in made.get("Unsuccessful") or ():
        raise refusal("CreateFlowLogs", failed["Error"]["Code"], failed["Error"]["Message"])
    return str(made["FlowLogIds"][0])


def _read(call: Call, flow_log_id: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_flow_logs(FlowLogIds=[flow_log_id]), _GONE)
    if not answer or not answer["FlowLogs"]:
        return None
    (found,) = answer["FlowLogs"]
    return {
        "vpcId": found["ResourceId"],
        "trafficType": found["TrafficType"],
        "logDestinationType": found["LogDestinationType"],
        "logDestination": found.get("LogDestination"),
        "iamRoleArn": found.get("DeliverLogsPermissionArn"),
        "maxAggregationInterval": found["MaxAggregationInterval"],
        "tags": tags_of(found),
        "arn": arn(call, "vpc-flow-log", flow_log_id),
    }


TYPES = (
    ResourceType(
        token="aws:ec2/flowLog:FlowLog",
        service="ec2",
        properties={
            # Not here: subnets, network interfaces and transit gateways in its place.
            "vpcId": string(required=True, forces_new=True),
            "trafficType": string(required=True, forces_new=True, choices=("ACCEPT", "REJECT", "ALL")),
            "logDestinationType": string(
                default="cloud-watch-logs", forces_new=True, choices=("cloud-watch-logs", "s3", "kinesis-data-firehose")
            ),
            "logDestination": string(forces_new=True),
            "iamRoleArn": string(forces_new=True),
            "maxAggregationInterval": integer(default=600, forces_new=True, choices=(60, 600)),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn",),
        # The emulator takes a second one of a VPC only when it goes elsewhere; AWS also when it logs something else.
        name="vpcId",
        create=_create,
        read=_read,
        update=update_tags,
        delete=lambda call, id_, state: unless_gone(lambda: call.client.delete_flow_logs(FlowLogIds=[id_]), _GONE),
    ),
)
