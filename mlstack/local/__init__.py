"""What MLStack runs where there is no AWS: an engine, an AWS emulator, a provider, a ZenML server, all on loopback."""
