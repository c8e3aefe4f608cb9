"""Khatm (ختم, "seal"): Saudi e-invoicing from a CSR to cleared and reported documents."""

__version__ = "0.1.0"
