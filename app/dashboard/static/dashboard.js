// What the pages can do beyond HTML; all of them work without it.
"use strict";

const root = document.documentElement;

// The theme follows the system unless somebody chose one. Set before the page is painted.
const THEMES = ["auto", "light", "dark"];

function chosen() {
  try {
    return THEMES.includes(localStorage.theme) ? localStorage.theme : "auto";
  } catch {
    return "auto";
  }
}

function wear(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
}

wear(chosen());

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const word = button.querySelector("span");
    let theme = chosen();
    word.textContent = theme;
    button.hidden = false;
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      try {
        localStorage.theme = theme;
      } catch {
        // It lasts as long as this page.
      }
      word.textContent = theme;
      wear(theme);
    });
  }

  for (const box of document.querySelectorAll("[data-tick-all]")) {
    box.hidden = false;
    box.addEventListener("change", () => {
      for (const other of document.querySelectorAll(`[form="${box.dataset.tickAll}"][type="checkbox"]`)) {
        other.checked = box.checked;
      }
    });
  }

  // Whoever reads slowly, or with a reader, can have a page stand still.
  for (const button of document.querySelectorAll("[data-pause]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const paused = root.toggleAttribute("data-paused");
      button.setAttribute("aria-pressed", String(paused));
    });
  }
});

// What of a live part is read out, once it is different.
let spoken = "";

function speak(part, aloud) {
  const text = part.querySelector?.("[data-spoken]")?.dataset.spoken;
  if (!text || text === spoken) return;
  spoken = text;
  if (aloud) document.querySelector("[data-speaker]").textContent = text;
}

document.addEventListener("DOMContentLoaded", () => speak(document, false));
document.addEventListener("htmx:afterSwap", (event) => speak(event.detail.target, true));

// What somebody is at, or has marked to copy, is not taken away under their hands.
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (!part.matches?.(".live")) return;
  const marked = getSelection();
  const isMarked = !marked.isCollapsed && part.contains(marked.anchorNode);
  if (isMarked || part.contains(document.activeElement)) event.detail.shouldSwap = false;
});

// A page that is not looked at, or stands still, asks for nothing.
document.addEventListener("htmx:confirm", (event) => {
  const isPoll = event.detail.elt.getAttribute("hx-trigger")?.includes("every");
  if (isPoll && (root.hasAttribute("data-paused") || document.hidden)) event.preventDefault();
});

// What is shown may be old: say so until an answer comes again.
function stale(text) {
  const notice = document.querySelector("[data-stale]");
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = text === "";
}

document.addEventListener("htmx:sendError", () => stale("No connection. What is shown may be old."));
document.addEventListener("htmx:responseError", () => stale("No answer. What is shown may be old."));
document.addEventListener("htmx:afterOnLoad", () => stale(""));
