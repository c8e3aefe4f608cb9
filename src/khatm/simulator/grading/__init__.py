"""Grading: numbered cases that tell a careful client of the gateway from a careless one, by what arrives on the wire.

A `Grader` sees every exchange, provokes what a client has to withstand, and watches what comes next. It knows nothing
of the client but its calls, so a client in any language can be graded. Source: gateway contract, sections 8, 9, 12.
"""
