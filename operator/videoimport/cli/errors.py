"""The errors of a command that could not start:

Exception
  UnusableError          the command line, the YAML file or this machine lacks something, and nothing was started
    problems             one line for each problem: the field or option, the found value, the solution
    NotFoundError        the cluster has no object of that name
    ExistsError          the cluster has an object of that name already
    MissingRightError    the user of the kubeconfig lacks a right
    UnreachableError     the API server did not answer, or could not answer at this time
"""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell reports it."""


class UnusableError(Exception):
    """The command could not start. Each problem is a sentence for the user and contains no secret."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NotFoundError(UnusableError):
    """The cluster has no object of that name."""


class ExistsError(UnusableError):
    """The cluster has an object of that name already."""


class MissingRightError(UnusableError):
    """The user of the kubeconfig lacks a right."""


class RefusedForwardError(UnusableError):
    """The connection to a pod was refused, and another try cannot succeed."""


class UnreachableError(UnusableError):
    """The API server did not answer, or could not answer at this time. Another try may succeed."""
