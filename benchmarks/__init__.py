"""What is measured, and not tested: figures side by side in one run."""
