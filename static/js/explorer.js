// The cost explorer: where the focus goes after a part of the page was fetched, and closing the picker of a filter.
(() => {
  let lastMenu = "";

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const menu = detail.elt.closest("details.menu") ?? document.activeElement.closest("details.menu");
    lastMenu = menu?.id ?? "";
  });

  // What was pressed may be gone with the old page. Whoever uses the keyboard goes on from the menu it was in, or from
  // the top of what is new.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (document.activeElement !== document.body) return;
    const menu = lastMenu && document.querySelector(`#${CSS.escape(lastMenu)} > summary`);
    (menu || document.getElementById("main")).focus({ preventScroll: true });
    if (detail.target.id === "main") say();
  });

  function say() {
    const tile = document.querySelector(".stats .stat");
    if (tile) document.getElementById("say").textContent = tile.textContent.trim().replace(/\s+/g, " ");
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelector("#picker [data-close]")?.click();
  });
})();
