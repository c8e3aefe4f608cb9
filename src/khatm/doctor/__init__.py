"""Why a stamp is wrong: the usual mistakes tried one by one until one reproduces the value that the document holds.

May use the document, the stamp and the rules; knows nothing of network, ledger or command line.
"""
