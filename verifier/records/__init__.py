"""Rows of the verifier: one module for each kind of record; SQL is nowhere else."""
