"""Proof of what the ledger holds: verification of chains and stamps, the repair plan, the auditor's pack, statements.

Import what you need from the modules: `verification` (a ledger), `pack_verification` (a pack without its ledger),
`pack_export`, `statement`, `evidence` (the last document of an existing chain), `breaks` (what can be wrong).
"""
