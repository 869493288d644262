"""Schedules of a stack's pipelines: what ZenML and EventBridge Scheduler each hold, and their removal from both.

ZenML makes a schedule in both places, but removes it from its own list alone: AWS would go on starting runs.
"""
