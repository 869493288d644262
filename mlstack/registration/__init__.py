"""The post-deploy hook: contract to plan, plan to ZenML. Knows nothing of Pulumi's or AWS's side but the contract."""
