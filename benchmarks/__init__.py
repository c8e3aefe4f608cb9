"""What Khatm claims about its speed and memory, one module per claim, each printing ratios measured in one run.

`python -m benchmarks` runs all of them. The peers (fatoora-rs, zatca-tools-sdk) come with `pip install '.[peers]'`.
"""
