"""What must follow when an answer of onboarding or renewal was lost, named missing steps, or asked for checks.

Source: gateway contract, sections 4.5 to 4.7, 6, 7 and 9.
"""

from typing import ClassVar

from khatm.simulator.grading.board import Board
from khatm.simulator.grading.follow_up import FollowUp, Outcome
from khatm.simulator.grading.sighting import SUBMISSIONS, Sighting


class OfUnit(FollowUp):
    """Watches one unit on its way to a PCSID; asking for another CCSID is beginning anew.

    Another serial may be another unit of the taxpayer: then only the end tells, when the first has not gone on.
    """

    anew: ClassVar[str] = "began_anew"
    """What is found where the client has begun anew."""

    def __init__(self, board: Board, case: str, begun: Sighting) -> None:
        """Watches from `begun` on."""
        super().__init__(board, case, begun)
        self._other_unit: Sighting | None = None

    def concerns(self, sighting: Sighting) -> bool:
        """Calls of the unit, and calls for a CCSID of its taxpayer."""
        if super().concerns(sighting):
            return True
        return sighting.endpoint == "compliance_csid" and sighting.vat_number == self.begun.vat_number

    def began_anew(self, sighting: Sighting) -> bool:
        """Tell whether a call asks for another CCSID, and draw the conclusion."""
        if sighting.endpoint != "compliance_csid":
            return False
        if sighting.serial == self.begun.serial:
            self.failed(self.anew, sighting)
        elif self._other_unit is None:
            self._other_unit = sighting
            self.others += 1
            self._board.undecided(self.case, "waiting", self.begun, sighting)
        return True

    def closing(self) -> Outcome | None:
        """A unit that never went on while another one was begun has been given up for it."""
        if not self.ended and self._other_unit is not None:
            return "failed", self.anew, {}
        return super().closing()


class SameOtp(OfUnit):
    """The answer to a call with an OTP was lost before it was processed: the same OTP is tried again first."""

    anew = "other_otp"

    def concerns(self, sighting: Sighting) -> bool:
        """The same call of the same taxpayer."""
        return sighting.endpoint == self.begun.endpoint and sighting.vat_number == self.begun.vat_number

    def follow(self, sighting: Sighting) -> None:
        """Compare the two."""
        if sighting.otp == self.begun.otp:
            self.passed("same_otp", sighting)
        elif sighting.endpoint == "renewal" and sighting.device == self.begun.device:
            self.failed(self.anew, sighting)
        else:
            self.began_anew(sighting)


class StepAgain(OfUnit):
    """The answer to a test document was lost: its step is sent again."""

    def follow(self, sighting: Sighting) -> None:
        """Look for the step."""
        if self.began_anew(sighting):
            return
        if sighting.endpoint == "production_csid":
            self.failed("step_left_out", sighting)
        elif sighting.endpoint == "compliance_check":
            if sighting.step == self.begun.step:
                self.passed("step_again", sighting)
            else:
                self.others += 1


class StepDone(OfUnit):
    """406 `Submitted before` says that the step is done: the client goes on."""

    must_come = False

    def follow(self, sighting: Sighting) -> None:
        """Look where it goes."""
        if self.began_anew(sighting):
            return
        if sighting.endpoint == "compliance_check" and sighting.step == self.begun.step:
            self.failed("step_repeated", sighting)
        elif sighting.endpoint in ("compliance_check", "production_csid"):
            self.passed("went_on_to", sighting, endpoint=sighting.endpoint)


class RunsMissingSteps(OfUnit):
    """The PCSID was refused for a missing step: the step is sent, then the PCSID asked for again."""

    def __init__(self, board: Board, case: str, begun: Sighting, step: str) -> None:
        """`step` is the one that was named."""
        super().__init__(board, case, begun)
        self._step = step
        self._run = False

    @property
    def holds(self) -> bool:
        """Once the step has come, the question that follows decides, whatever happens to it."""
        return not self.ended and not self._run

    def follow(self, sighting: Sighting) -> None:
        """Look for the step, then for the question."""
        if self.began_anew(sighting):
            return
        if sighting.endpoint == "compliance_check":
            self._run |= sighting.step is not None and sighting.step.name == self._step
        elif sighting.endpoint == "production_csid":
            if self._run:
                self.passed("steps_run", sighting, step=self._step)
            else:
                self.failed("asked_in_vain", sighting, step=self._step)


class SamePcsidRequest(OfUnit):
    """The PCSID's answer was lost: the same request again recovers it."""

    def follow(self, sighting: Sighting) -> None:
        """Look for the request."""
        if self.began_anew(sighting):
            return
        if sighting.endpoint == "production_csid":
            self.passed("pcsid_again", sighting)
        else:
            self.others += 1


class RightTemplate(OfUnit):
    """The CSR names another environment's template: a corrected CSR must follow."""

    def follow(self, sighting: Sighting) -> None:
        """A right CSR corrects it; asking again with the refused one does not."""
        csr, wrong = sighting.csr, self.begun.csr
        if csr is not None and wrong is not None and csr.template != wrong.template:
            self.passed("template_corrected", sighting, found=csr.template)
        elif sighting.endpoint == "production_csid":
            self.others += 1
            if self.others > 1:
                self._fail(sighting)

    def _fail(self, *shown: Sighting) -> None:
        assert self.begun.csr is not None
        self.failed("template_wrong", *shown, found=self.begun.csr.template)

    @property
    def holds(self) -> bool:
        """It stands in nobody's way."""
        return False

    def closing(self) -> Outcome | None:
        """A wrong template that is not corrected has failed."""
        assert self.begun.csr is not None
        return None if self.ended else ("failed", "template_wrong", {"found": self.begun.csr.template})


class RenewalSteps(OfUnit):
    """428 brings a new CCSID: the checks run with it, then the PCSID is asked for."""

    def follow(self, sighting: Sighting) -> None:
        """Look what the new CCSID is used for."""
        new = self.begun.given
        held = sighting.credential
        if self.began_anew(sighting):
            return
        if sighting.endpoint == "renewal":
            self.failed("renewed_again", sighting)
        elif new is None or held is None or held.id != new.id:
            self.others += 1
        elif sighting.endpoint in SUBMISSIONS:
            self.failed("ccsid_submits", sighting)
        elif sighting.endpoint == "production_csid" and sighting.sent == 200:
            self.passed("renewal_done", sighting)
        elif sighting.endpoint == "production_csid" and sighting.is_true and sighting.sent == 400:
            self.failed("steps_not_run", sighting)

    @property
    def holds(self) -> bool:
        """It stands in nobody's way."""
        return False

    def closing(self) -> Outcome | None:
        """A client that goes on with other things and leaves the steps has failed."""
        if not self.ended and self.others:
            return "failed", "steps_unfinished", {}
        return super().closing()


class NewPcsid(FollowUp):
    """After a renewal documents go out with the new PCSID; one try with the old one is none too many."""

    must_come = False

    def follow(self, sighting: Sighting) -> None:
        """See which one a document is sent with."""
        new, held = self.begun.given, sighting.credential
        if sighting.endpoint not in SUBMISSIONS or new is None or held is None:
            return
        if held.id == new.id:
            self.passed("new_pcsid", sighting)
        else:
            self.others += 1
            if self.others > 1:
                self.failed("old_pcsid", sighting, count=self.others)

    @property
    def holds(self) -> bool:
        """It stands in nobody's way."""
        return False

    def closing(self) -> Outcome | None:
        """One document with the old one decides nothing."""
        return None if self.ended else ("undecided", "nothing_came", {})
