"""run.json, the settings of a run, the runs in results/."""
