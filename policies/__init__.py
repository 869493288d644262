"""The policy pack: what no program of this house may declare, checked in every preview. Never imports pulumi_aws."""
