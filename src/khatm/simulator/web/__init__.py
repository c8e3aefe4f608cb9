"""The simulator's pages for people: ZATCA's portal as a taxpayer sees it, the sandbox's developer pages, and a bench.

The portal and the developer pages follow the original's journeys (gateway contract, section 10); the bench is ours:
faults, the clock, and what went over the wire. Every page works without a script, in English and Arabic. Nothing on
a page comes from another host. `guard` keeps other origins out of the pages and of the management.
"""
