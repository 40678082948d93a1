"""Speed as ratios: each figure beside what the machine can do without us, measured in the same run."""
