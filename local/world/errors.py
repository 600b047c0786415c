"""Every way in which the world tells its user that something is wrong."""

BROKEN, UNUSABLE, NO_WORLD = 1, 2, 3


class WorldError(Exception):
    """What happened, why, and what to do; `code` is the command's exit code."""

    def __init__(self, message: str, code: int = BROKEN) -> None:
        super().__init__(message)
        self.code = code
