"""The ledger: EGS units, their credential generations, the ICV/PIH chain and the archive of exact bytes.

Storage only, on SQLite in WAL mode or on PostgreSQL by the same statements. Nothing here talks to the network.
Import what you need from the modules: `home` (where everything lies), `ledger` (`open_ledger`, `Ledger`),
`units`, `generations`, `documents` (values and states), `audit` (proof), `errors`.
"""
