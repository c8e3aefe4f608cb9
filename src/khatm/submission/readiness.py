"""What a unit without Production CSID still lacks, in the words of onboarding."""

from khatm.ledger.generations import GenerationState
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.report import NotOnboarded


def what_is_missing(ledger: Ledger, unit: Unit, *, blocks: bool) -> NotOnboarded:
    """Return which credentials and compliance checks stand between the unit and its first document.

    Source: the gateway contract 6.2 and 6.3.
    """
    from khatm.onboarding.plan import required_steps

    generation = ledger.open_generation(unit)
    has_ccsid = generation is not None and generation.state is GenerationState.COMPLIANCE
    passed = generation.passed_steps if generation is not None else ()
    return NotOnboarded(
        unit=unit.name,
        generation=None if generation is None else generation.label,
        has_ccsid=has_ccsid,
        missing_checks=tuple(step.name for step in required_steps(unit.type_map) if step.name not in passed),
        blocks=blocks,
    )
