"""MLStack around `pulumi up`: the contract, the registration hook, the embedded cloud, the command line."""
