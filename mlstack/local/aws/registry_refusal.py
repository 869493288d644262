"""A refusal of ECR's API, as moto answers it."""

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):  # type: ignore[misc]
    """With AWS's name of the error, and what it says."""

    __module__ = "moto.ecr.exceptions"  # by which moto finds ECR's model of errors
