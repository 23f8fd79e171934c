// Asks again as somebody types. Without this file, the buttons of the page do the same.
"use strict";
const fields = ["manifest", "annotations", "policies"].map((name) => document.getElementById(name));
const show = (name, text) => { document.getElementById(name).textContent = text; };
let waiting;
let asking;

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const body = JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.value])));
  const summary = document.getElementById("summary");
  try {
    const response = await fetch("/ui/answer", {
      method: "POST", headers: { "content-type": "application/json" }, body, signal: asking.signal,
    });
    if (!response.ok) throw new Error(await response.text() || response.statusText);
    const answer = await response.json();
    if (summary.textContent !== answer.summary) summary.textContent = answer.summary;
    summary.className = answer.refused ? "refused" : "good";
    show("problems", answer.problems);
    // Made by the server, with every text in it escaped.
    document.getElementById("drawing").innerHTML = answer.drawing;
    show("diff", answer.diff);
    show("explanation", answer.explanation);
  } catch (error) {
    if (error.name === "AbortError") return;
    summary.textContent = String(error.message);
    summary.className = "refused";
  }
}

for (const field of fields) {
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
}
// What is in force is read again for as long as somebody looks at it.
const inForce = document.getElementById("in-force");
async function look() {
  if (!inForce.open || document.hidden) return;
  const response = await fetch("/ui/in-force").catch(() => null);
  // Made by the server, with every text in it escaped.
  if (response?.ok) document.getElementById("now").innerHTML = await response.text();
}
inForce.addEventListener("toggle", look);
setInterval(look, 5000);

document.getElementById("example").addEventListener("change", (event) => event.target.form.submit());
