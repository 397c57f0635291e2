"""What every room may use: errors, files, seeds, optional packages."""
