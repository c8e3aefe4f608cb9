"""What stands ready before a page's commands run, where the page takes it as given. A stage is a few commands."""

SIMULATOR = """
khatm simulator --port 8080 &
export KHATM_GATEWAY_URL=http://127.0.0.1:8080/e-invoicing
"""

SOME_SIMULATOR = """
khatm simulator --port 0 > some.log &
until grep -q "simulator ready" some.log; do sleep 0.05; done
export KHATM_SIMULATOR_URL="$(sed -n 's/^simulator ready: //p' some.log)"
"""
"""A simulator that leaves the page's own port to the page."""

ONBOARDED = (
    SIMULATOR
    + """
khatm unit add till-1 --csr examples/till.properties --environment simulation --seller examples/seller.json
khatm simulator otp 399999996300003 | khatm unit onboard till-1 --otp -
"""
)
"""A simulator, and the unit till-1 with its Production CSID."""

DAY = """
python -c '
import json
from pathlib import Path
for number in range(3):
    document = json.loads(Path("examples/simplified-invoice.json").read_text(encoding="utf-8"))
    print(json.dumps(document | {"number": f"D-{number}", "reference": f"D-{number}"}))
' > day.jsonl
"""
"""A file of three documents to issue at once."""

REJECTED = """
khatm simulator fault add clearance --reject BR-KSA-31
uuid=$(khatm issue examples/standard-invoice.json --unit till-1 --format json | sed 's/.*"uuid": "\\([^"]*\\)".*/\\1/')
khatm submit # exit 1
"""
"""A standard document that the authority has rejected; its UUID is in $uuid."""

CHAINS = """
export KHATM_HOME="$HOME/elsewhere"
khatm unit add old --csr examples/till.properties --environment simulation --seller examples/seller.json
khatm simulator otp 399999996300003 | khatm unit onboard old --otp -
khatm issue examples/simplified-invoice.json --unit old --out last.xml
unset KHATM_HOME
khatm issue examples/simplified-invoice.json --unit till-1
khatm export --unit till-1 --from 2026-03-01 --to 2026-03-31 --out pack.zip
for unit in till-2 till-3; do
  khatm unit add $unit --csr examples/till.properties --environment simulation --seller examples/seller.json
done
"""
"""A document of another installation, a pack of this one, and two units that have issued nothing here."""

PAIR = """
openssl ecparam -name secp256k1 -genkey -noout -out key.pem
openssl req -x509 -new -sha256 -key key.pem -subj /CN=till -days 2 -out cert.pem
"""
"""A key, and a certificate of nobody's on it."""

INVOICE = """
khatm issue examples/simplified-invoice.json --unit till-1 --out invoice.xml
"""
"""An invoice that till-1 has issued."""

CONFIGURED = """
export KHATM_FATOORA_CERT=cert.pem KHATM_FATOORA_KEY=key.pem
"""
"""What `fatoora -sign` signs with."""

STAGES: dict[str, str] = {
    "docs/fatoora.md": ONBOARDED + INVOICE + PAIR + CONFIGURED,
    "README.md": PAIR,
    "docs/chain.md": ONBOARDED + CHAINS,
    "docs/ledger.md": ONBOARDED + DAY,
    "docs/operations.md": ONBOARDED + REJECTED,
    "docs/simulator.md": SOME_SIMULATOR,
}
"""The stage of a page; a page without one begins with nothing but the repository's examples."""
