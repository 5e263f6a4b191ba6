"""What a command tells its user in a sentence, without a traceback."""


class Refused(ValueError):
    """A request that cannot be met; the message says the remedy."""


class Failed(RuntimeError):
    """A run or build did not end as it should; the message says why."""


class Stopped(RuntimeError):
    """A signal ended a run or build; the message says how to go on.

    Attributes
    ----------
    status : exit status of a command that ends so
    """

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status
