"""The entrance for people and scripts: reads arguments, calls jobs, prints. Decides nothing."""
