"use strict";
// Opens what a link points at, and sends the trial calls. The token stays in the page's memory.
const open = () => { const at = document.getElementById(location.hash.slice(1)); if (at?.tagName === "DETAILS") at.open = true; };
addEventListener("hashchange", open);
open();

const requestOf = (form) => {
  const headers = new Headers();
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const input of form.querySelectorAll("input[data-in]")) {
    if (!input.value) continue;
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.in === "header") headers.set(input.name, input.value);
    else query.append(input.name, input.value);
  }
  const token = document.getElementById("token").value;
  if (token) headers.set("authorization", `Bearer ${token}`);
  const body = form.elements.body?.value;
  if (body !== undefined) headers.set("content-type", "application/json");
  return [path + (query.size ? `?${query}` : ""), { method: form.dataset.verb, headers, body, redirect: "manual" }];
};

const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 1); } catch { return text; } };

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const out = form.querySelector("pre");
  out.hidden = false;
  try {
    const answer = await fetch(...requestOf(form));
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    out.textContent = `${answer.status}\n${headers}\n\n${pretty(await answer.text())}`;
  } catch (error) {
    out.textContent = String(error);
  }
});
