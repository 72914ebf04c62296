"""How a command can end before it began:

Exception
  UnusableError          the command line, the manifest or this machine lacks something; nothing was started
    problems             a line each: the field or option, what was found, what to do
"""


class UnusableError(Exception):
    """Nothing was started. Each problem is a sentence for the user and holds no secret."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
