"""Submission: what the ledger holds and the authority does not know yet goes out, and what came of it is stored.

The same bytes on every attempt; the gateway's outcome table decides, the ledger remembers. `outbox.submit_due` sends
what is due once; `report` holds what it tells.
"""
