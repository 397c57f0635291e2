"""The report command: one run or several, compared with the documented one."""
