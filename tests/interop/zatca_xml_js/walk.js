// A unit of zatca-xml-js from its key to reported documents, through the client's own public interface.
// Prints one JSON object a line: {"step", "answer"} for each call that went well, {"step", "error"} for the one that did not.
"use strict";
const { EGS, ZATCASimplifiedTaxInvoice } = require("zatca-xml-js");
const templates = require("zatca-xml-js/lib/zatca/templates/simplified_tax_invoice_template");

const FIRST_HASH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ==";
const { vatNumber, uuid, otp, issued } = JSON.parse(process.argv[2]);
const UNIT = {
  uuid,
  custom_id: "EGS1-886431145",
  model: "IOS",
  CRN_number: "1010734512",
  VAT_name: "Palm Corner Trading Co.",
  VAT_number: vatNumber,
  location: {
    city: "Riyadh",
    city_subdivision: "Al Olaya",
    street: "Olaya Road",
    plot_identification: "2208",
    building: "3471",
    postal_zone: "12611",
  },
  branch_name: "Riyadh Branch",
  branch_industry: "Food retail",
};
const KINDS = { invoice: undefined, credit: "CREDIT_NOTE", debit: "DEBIT_NOTE" };

let counter = 0;
let previousHash = FIRST_HASH;

function document(kind) {
  counter += 1;
  const props = {
    egs_info: UNIT,
    invoice_counter_number: counter,
    invoice_serial_number: `INV-${counter}`,
    issue_date: issued.date,
    issue_time: issued.time,
    previous_invoice_hash: previousHash,
    line_items: [{ id: "1", name: "تمر سكري", quantity: 3, tax_exclusive_price: 20, VAT_percent: 0.15 }],
  };
  if (kind !== "invoice") {
    props.cancelation = {
      canceled_invoice_number: 1,
      payment_method: templates.ZATCAPaymentMethods.CASH,
      cancelation_type: templates.ZATCAInvoiceTypes[KINDS[kind]],
      reason: "Goods returned",
    };
  }
  return new ZATCASimplifiedTaxInvoice({ props });
}

async function step(name, work) {
  try {
    const answer = await work();
    console.log(JSON.stringify({ step: name, answer }));
    return answer;
  } catch (error) {
    const { response } = error;
    console.log(JSON.stringify({ step: name, error: error.message, status: response && response.status }));
    process.exit(1);
  }
}

async function main() {
  const egs = new EGS(UNIT);
  await egs.generateNewKeysAndCSR(false, "Palm POS");
  const request = await step("compliance", () => egs.issueComplianceCertificate(otp));
  for (const production of [false, true]) {
    if (production) {
      await step("production", () => egs.issueProductionCertificate(request));
    }
    for (const kind of Object.keys(KINDS)) {
      const { signed_invoice_string: xml, invoice_hash: hash } = egs.signInvoice(document(kind), production);
      previousHash = hash;
      await step(`${production ? "report" : "check"} ${kind}`, () =>
        production ? egs.reportInvoice(xml, hash) : egs.checkInvoiceCompliance(xml, hash),
      );
    }
  }
}

main();
