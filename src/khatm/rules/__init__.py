"""Is the document right? The official business rules, natively: one walk over the tree, then every assertion.

`en16931` and `ksa` hold the assertion sites of ZATCA's two stylesheets, each site once per edition and explicitly
registered; `engine.judge` runs them over a `Reading`. The rules follow the stylesheets as executed, quirks included.
"""
