"""Errors that the user can mend."""


class UserError(Exception):
    """Its text is one line that names the thing and the way out.

    The command line prints it on standard error and exits with status 1.
    """


class KernelsDisagree(UserError):
    """The fast kernels compute wrong numbers here, unlike the stock kernels."""
