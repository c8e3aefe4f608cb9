"""Seeded documents, judged by us and by fatoora-rs 0.3.0, stage by stage: `python -m tests.differential --help`.

`originals` gives the documents to start from, `mutate` changes them, `verdicts` brings both reports into one form,
`compare` lists where they differ, `reasons` says why, and `campaign` runs a number of documents through all of it.
"""
