"""The authority's side of the wire: a simulator of ZATCA's gateway, portal and certification authority.

It is a product of its own, usable by any client in any language. It shares with the taxpayer's side only what
the standard itself defines, verifies from received bytes, and reads requests with its own code.
`EmbeddedSimulator` in `khatm.simulator.embedded` runs one inside the process; `khatm.simulator.server` runs one
as a program.
"""
