"""The torture: processes issue and send for a few units while they are killed at random and the gateway misbehaves.

`python -m tests.torture --documents 5000 --store sqlite --seed 1` runs the large size; the tests run a small one. What
is counted comes from the archive's bytes and the simulator's own database, never from the ledger's states.
"""
