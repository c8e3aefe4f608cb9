"""`khatm simulator otp`: the one-time password that a person would copy from the portal."""

import click

from khatm.cli.output import OutputFormat, emit, format_option, say
from khatm.cli.simulator_call import manage, url_option

_ENVIRONMENTS = click.Choice(["sandbox", "simulation", "production"])


@click.command()
@click.argument("vat_number", metavar="VAT_NUMBER")
@click.option("--environment", type=_ENVIRONMENTS, default="simulation", show_default=True)
@click.option("--renewal", is_flag=True, help="For a renewal; such a password does not onboard.")
@url_option
@format_option
def otp(vat_number: str, environment: str, renewal: bool, url: str, output_format: OutputFormat) -> None:
    """Print a one-time password of a running simulator for the taxpayer VAT_NUMBER.

    \b
    khatm simulator otp 399999999900003 | khatm unit onboard till-1 --otp -
    """
    purpose = "renewal" if renewal else "onboarding"
    [issued] = manage(url, "POST", "/otp", {"environment": environment, "vat_number": vat_number, "purpose": purpose})[
        "otps"
    ]
    emit(issued) if output_format == "json" else say(issued["otp"])
