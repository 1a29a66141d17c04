"use strict";
// For every page: the theme, menus, and data that other scripts ask for.
const wsss = { waiting: {}, known: {} };

// Data come as scripts, which a file: page may load, unlike JSON.
wsss.receive = (name, content) => {
  wsss.known[name] = content;
};
wsss.ask = (name, address) => {
  wsss.waiting[name] ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => done(wsss.known[name]);
    script.onerror = () => failed(new Error(`cannot read ${address}`));
    document.head.append(script);
  });
  return wsss.waiting[name];
};

// An element that holds text or other elements, never markup.
wsss.make = (tag, attributes = {}, ...content) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
};

// A menu opens towards the left where there is no room on the right, and closes when the reader
// turns to something else.
{
  const place = ({ target }) => {
    if (!target.matches(".menu")) return;
    target.classList.remove("leftwards");
    const { right } = target.lastElementChild.getBoundingClientRect();
    target.classList.toggle("leftwards", right > document.documentElement.clientWidth);
  };
  addEventListener("toggle", place, true); // capture, as this event does not bubble
  const close = (but) => {
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(but)) menu.open = false;
  };
  addEventListener("click", (event) => close(event.target));
  addEventListener("keydown", (event) => event.key === "Escape" && close(null));
}

{
  const themes = ["system", "light", "dark"];
  let theme = "system";
  try {
    theme = localStorage.getItem("theme") ?? theme;
  } catch {
    // a file: page may have no storage; the choice then lasts until the page is left
  }
  const apply = () => {
    document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
  };
  apply();
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const tell = () => (button.querySelector("span").textContent = theme);
    tell();
    button.hidden = false;
    button.onclick = () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      apply();
      tell();
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // as above
      }
    };
  });
}
