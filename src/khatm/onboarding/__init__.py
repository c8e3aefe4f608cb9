"""A unit's life with the authority: key and CSR, compliance checks, production CSID, renewal.

Every call is journaled before it is made and its answer is stored before anything follows from it, so a walk may be
killed anywhere and run again. Start at `khatm.onboarding.onboard.Onboarding` and `khatm.onboarding.renewal.Renewal`.
"""
