"""The one exception that a user's mistake ends in."""


class UserError(Exception):
    """Something that the user can mend.

    Its text is one line which names the thing and the way out; the command
    line prints it on standard error and exits with status 1.
    """


class KernelsDisagree(UserError):
    """The fast kernels compute wrong numbers here; the stock ones do not."""
