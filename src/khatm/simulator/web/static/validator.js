// Drops a file into the validator and puts the report under the form. Without it the form does the same.
"use strict";
const form = document.getElementById("document");
const result = document.getElementById("result");
const drop = document.querySelector(".drop");
const file = document.getElementById("file");
let shown = null;

async function validate(body, name) {
  // The text is at hand before anyone can click on another language; the bytes themselves are what is judged.
  shown = { body, name, text: typeof body === "string" ? body : await body.text() };
  const options = new URLSearchParams(new FormData(form));
  options.delete("xml");
  options.set("file", name);
  result.textContent = result.dataset.busy;
  try {
    const answer = await fetch(`/validator?${options}`, {
      method: "POST", body, headers: { "Content-Type": "application/xml" },
    });
    if (!answer.ok && !(answer.headers.get("content-type") || "").startsWith("text/html")) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("result") || page.getElementById("content");
    result.replaceChildren(...document.importNode(found, true).childNodes);
    result.scrollIntoView({ block: "start" });
  } catch {
    result.textContent = result.dataset.failed;
  }
}

function take(given) {
  if (given) validate(given, given.name);
}
file.addEventListener("change", () => take(file.files[0]));
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files[0]);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const pasted = document.getElementById("xml").value.trimStart();
  if (pasted) validate(pasted, "document.xml");
  else if (shown) validate(shown.body, shown.name);
});

// Another language shows the same document again.
const KEPT = "khatm.validator";
document.querySelector(".language").addEventListener("click", () => {
  if (!shown) return;
  const { text, name } = shown;
  try { sessionStorage.setItem(KEPT, JSON.stringify({ text, name })); } catch { /* too large to keep */ }
});
const kept = sessionStorage.getItem(KEPT);
if (kept) {
  sessionStorage.removeItem(KEPT);
  const { text, name } = JSON.parse(kept);
  validate(text, name);
}
