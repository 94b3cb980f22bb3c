/* What the keyboard does, and nothing else that a page could do without. Keys stand beside what they do, as data-key;
   the help is made from them, so it can't tell of a key that there is not. */
"use strict";

(() => {
  const typing = (element) =>
    element instanceof HTMLElement &&
    (element.isContentEditable || element.tagName === "TEXTAREA" || element.tagName === "SELECT" ||
      (element.tagName === "INPUT" && !["radio", "checkbox", "button", "submit"].includes(element.type)));
  const visible = (element) => element.getClientRects().length > 0 || element.closest("#undo") !== null;
  const rows = () => [...document.querySelectorAll(".work-row")];
  const here = () => document.querySelector(".work-row.is-here");

  function stand(row) {
    for (const other of rows()) other.classList.toggle("is-here", other === row);
    if (!row) return;
    row.querySelector(".work-link").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(here());
    stand(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
  }

  function use(element) {
    if (element.type === "radio") {
      element.checked = true;
      element.focus();
      element.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (element.type === "checkbox") {
      element.click();
    } else if (["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName)) {
      const folded = element.closest("details:not([open])");
      if (folded) folded.open = true;
      element.focus();
      if (element.select) element.select();
    } else if (element.tagName === "DETAILS") {
      element.open = true;
      const first = element.querySelector("[data-first]") ||
        [...element.querySelectorAll("input, textarea, select, button")].find(visible);
      if (first) first.focus();
    } else {
      element.click();
    }
  }

  const special = {
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    x: () => { const row = here(); if (row) { row.querySelector("input[type=checkbox]").click(); } },
  };

  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        const form = document.activeElement && document.activeElement.closest("form");
        if (form) { event.preventDefault(); form.requestSubmit(); }
      }
      return;
    }
    if (event.key === "Escape") {
      if (document.querySelector("dialog[open]")) return;
      if (typing(document.activeElement)) { document.activeElement.blur(); return; }
      const back = document.querySelector("[data-key='Escape']");
      if (back) { event.preventDefault(); back.click(); }
      return;
    }
    if (typing(document.activeElement) || document.querySelector("dialog[open]")) return;
    if (going) {
      going = false;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g" && document.querySelector("[data-go]")) { going = true; return; }
    if (rows().length && special[event.key]) { event.preventDefault(); special[event.key](); return; }
    const wanted = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)].find(visible) ||
      document.querySelector(`details[data-key="${CSS.escape(event.key)}"]`);
    if (wanted) { event.preventDefault(); use(wanted); }
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.open);
      if (dialog.id === "help") list(dialog);
      dialog.showModal();
      return;
    }
    const closer = event.target.closest("[data-close]");
    if (closer) { closer.closest("dialog").close(); return; }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  function list(dialog) {
    const keys = dialog.querySelector("#help-keys");
    keys.replaceChildren();
    const told = new Set();
    for (const element of document.querySelectorAll("[data-key][data-help]")) {
      const key = element.dataset.key === "Escape" ? "Esc" : element.dataset.key;
      if (told.has(key)) continue;
      told.add(key);
      const term = document.createElement("dt");
      for (const part of (element.dataset.keys || key).split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = part;
        term.append(cap, " ");
      }
      const meaning = document.createElement("dd");
      meaning.textContent = element.dataset.help;
      keys.append(term, meaning);
    }
  }

  /* The bar of what can be done with several rows at once shows as soon as one is chosen. */
  function count() {
    const bulk = document.getElementById("bulk");
    if (!bulk) return;
    const chosen = document.querySelectorAll(".work-row input[name=pick]:checked").length;
    bulk.hidden = chosen === 0;
    const told = bulk.querySelector("[data-chosen]");
    if (told) told.textContent = String(chosen);
  }
  document.addEventListener("change", (event) => {
    if (event.target.name === "pick") count();
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  /* While the event goes down: what follows from the form is asked for on its way up, and must see the invoices changed. */
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[name=intent]")) follow(event.target.value);
    if (event.target.matches(MEANING)) fields();
  }, true);

  /* Another meaning for the mail is another meaning for each invoice that was not set apart, and shows its own fields. */
  function follow(intent) {
    for (const select of document.querySelectorAll("select[data-follows]:not([data-touched])")) select.value = intent;
  }
  /* A field shows where its meaning is chosen: for the mail, or for one of its invoices alone. What kind of "something else"
     it is, is asked of the whole mail only, and which address is wrong only where one is. */
  const MEANING = "input[name=intent], input[name=outcome], select[name^='invoice:'], select[name=other_reason]";
  function fields() {
    const whole = document.querySelector("input[name=intent]:checked, input[name=outcome]:checked");
    const said = new Set([...document.querySelectorAll("select[name^='invoice:']")].map((select) => select.value));
    said.delete("other");
    if (whole) said.add(whole.value);
    const reason = document.querySelector("select[name=other_reason]");
    for (const part of document.querySelectorAll("[data-when], [data-reason]")) {
      const { when, reason: reasons } = part.dataset;
      part.hidden = Boolean((when && !when.split(" ").some((one) => said.has(one))) ||
        (reasons && !(reason && reasons.split(" ").includes(reason.value))));
    }
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-follows]") && event.isTrusted) event.target.dataset.touched = "1";
  });

  /* What was refused comes back with the reason why, and with what had been entered. */
  const which = (form) => [...form.elements].map((one) => one.name + (one.name === "kind" ? `=${one.value}` : "")).join(" ");
  const entered = (form) => [...form.elements].filter((one) => one.name && !["hidden", "submit", "button"].includes(one.type));
  const chooses = (field) => field.type === "radio" || field.type === "checkbox";
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.getAttribute("method") !== "post" || form.querySelector("input[type=password]")) return;
    const values = entered(form).map((field) => (chooses(field) ? field.checked : field.value));
    const kept = { page: location.pathname, action: form.getAttribute("action"), which: which(form), values };
    sessionStorage.setItem("entered", JSON.stringify(kept));
  });
  function again() {
    const kept = JSON.parse(sessionStorage.getItem("entered") || "null");
    sessionStorage.removeItem("entered");
    if (!kept || kept.page !== location.pathname || !document.querySelector(".notice-error")) return;
    const form = [...document.forms].find((one) => one.getAttribute("action") === kept.action && which(one) === kept.which);
    if (!form) return;
    entered(form).forEach((field, at) => {
      if (chooses(field)) field.checked = kept.values[at];
      else field.value = kept.values[at];
      if (field.matches("select[data-follows]")) field.dataset.touched = "1";
    });
    const folded = form.closest("details");
    if (folded) folded.open = true;
    form.dispatchEvent(new Event("change"));
  }

  function ready() {
    again();
    count();
    fields();
    const wanted = location.hash && document.getElementById(location.hash.slice(1));
    if (wanted && wanted.tagName === "DETAILS") use(wanted);
    const first = document.querySelector(".work-row[data-here]");
    if (first) stand(first);
  }
  document.addEventListener("DOMContentLoaded", ready);
  document.addEventListener("htmx:afterSettle", count);
  /* Somebody who answers "too late" is told beside the form, not in the console. */
  document.addEventListener("htmx:responseError", (event) => {
    const place = document.getElementById("notice");
    if (!place) return;
    const box = document.createElement("div");
    box.className = "notice notice-error";
    box.setAttribute("role", "alert");
    box.textContent = `${document.body.dataset.failed} (${event.detail.xhr.status})`;
    place.replaceChildren(box);
  });
})();
