"use strict";
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const pairs = new Map();
  for (const part of all("[data-e]")) {
    const some = pairs.get(part.dataset.e) || [];
    some.push(part);
    pairs.set(part.dataset.e, some);
  }
  const light = (event, on) => {
    const part = event.target.closest && event.target.closest("[data-e]");
    if (part) for (const other of pairs.get(part.dataset.e)) other.classList.toggle("lit", on);
  };
  document.addEventListener("mouseover", (event) => light(event, true));
  document.addEventListener("mouseout", (event) => light(event, false));
  document.addEventListener("focusin", (event) => light(event, true));
  document.addEventListener("focusout", (event) => light(event, false));

  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView({ block: "center" }); }
  };
  addEventListener("hashchange", reveal);
  reveal();

  const graph = document.querySelector(".graph");
  const links = all(".link");
  const follow = (number) => {
    graph.classList.toggle("busy", number !== null);
    for (const link of links) link.classList.toggle("lit", number !== null && (link.dataset.from === number || link.dataset.to === number));
  };
  for (const node of all("[data-node]")) {
    node.addEventListener("mouseenter", () => follow(node.dataset.node));
    node.addEventListener("mouseleave", () => follow(null));
    node.addEventListener("focus", () => follow(node.dataset.node));
    node.addEventListener("blur", () => follow(null));
  }
  for (const button of all("[data-zoom]")) {
    button.hidden = false;
    button.addEventListener("click", () => graph.classList.toggle("fit", button.dataset.zoom === "fit"));
  }
  if (graph) graph.classList.add("fit");

  let opened = [];
  addEventListener("beforeprint", () => { opened = all("details:not([open])"); for (const one of opened) one.open = true; });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; opened = []; });
})();
