// What the pages do beyond plain HTML: the menu on a phone, countdowns, copying. Every page works without it.
"use strict";
document.documentElement.classList.add("js");

for (const button of document.querySelectorAll(".menu-button")) {
  button.addEventListener("click", () => {
    const open = document.getElementById("menu").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}

// Seconds are counted from when the page came, because the simulator's clock may be another than the browser's; it
// may also stand still or run faster.
const arrived = performance.now();
const speed = Number(document.querySelector("[data-speed]")?.dataset.speed ?? 1);
const countdowns = [...document.querySelectorAll("[data-left]")];
function tick() {
  const passed = Math.floor(((performance.now() - arrived) / 1000) * speed);
  for (const place of countdowns) {
    const left = Number(place.dataset.left) - passed;
    const clock = place.querySelector("[data-clock]");
    if (left > 0) {
      clock.textContent = [Math.floor(left / 60), left % 60].map((part) => String(part).padStart(2, "0")).join(":");
    } else {
      place.textContent = place.dataset.expired;
      place.closest("li").classList.add("gone");
      countdowns.splice(countdowns.indexOf(place), 1);
    }
  }
}
if (countdowns.length > 0) setInterval(tick, 1000);

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  const label = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 1500);
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(button.dataset.copy, button));
}
for (const button of document.querySelectorAll("[data-copy-all]")) {
  button.addEventListener("click", () => {
    const codes = [...document.querySelectorAll(".codes li:not(.gone) .otp")].map((each) => each.textContent);
    copy(codes.join("\n"), button);
  });
}

// Parts that change by themselves are fetched again while the page is looked at.
async function refresh() {
  const parts = document.querySelectorAll("[data-live]");
  if (parts.length === 0 || document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.innerHTML === part.innerHTML || part.contains(document.activeElement)) continue;
      part.replaceChildren(...document.importNode(fresh, true).childNodes);
    }
  } catch { /* the simulator is being restarted */ }
}
if (document.querySelector("[data-live]")) setInterval(refresh, 2000);

// Fields that mean nothing for what was chosen are out of the way.
const effect = document.getElementById("effect");
function fit() {
  for (const field of document.querySelectorAll("[data-for], [data-not-for]")) {
    const only = field.dataset.for?.split(" ");
    field.hidden = only ? !only.includes(effect.value) : field.dataset.notFor.split(" ").includes(effect.value);
  }
}
if (effect) {
  effect.addEventListener("change", fit);
  fit();
}
