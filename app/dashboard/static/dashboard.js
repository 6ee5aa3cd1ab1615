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

  // Whoever reads slowly, or with a reader, can have a page stand still.
  for (const button of document.querySelectorAll("[data-pause]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const paused = root.toggleAttribute("data-paused");
      button.setAttribute("aria-pressed", String(paused));
    });
  }
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
