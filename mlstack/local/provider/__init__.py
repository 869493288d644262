"""A test double of Pulumi's aws plugin, for the resource types that this program declares, against the AWS emulator.

What it accepts is a subset of what the real plugin accepts; an unknown type, property or setting is an error. One
process serves every engine run of an embedded cloud, which attach to it through PULUMI_DEBUG_PROVIDERS.
"""
