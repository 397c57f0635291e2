"""Errors that the user can fix."""


class UserError(Exception):
    """A mistake or problem, explained in one line that also says what to do.

    The commands print it on standard error and exit with status 1.
    """


class KernelsDisagree(UserError):
    """The fast kernels compute wrong numbers on this machine; the stock ones don't."""
