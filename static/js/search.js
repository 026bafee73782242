// The search: Ctrl K from anywhere, arrows to choose, Enter to go there. htmx fetches what is found; without script the
// same form leads to the page of the search.
(() => {
  const finder = document.getElementById("finder");
  const input = finder.querySelector("input");
  const found = document.getElementById("found");
  const options = () => [...found.querySelectorAll('[role="option"]')];
  const chosen = () => found.querySelector('[aria-selected="true"]');

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function move(step) {
    const all = options();
    const place = all.indexOf(chosen());
    const next = place < 0 ? (step > 0 ? 0 : all.length - 1) : (place + step + all.length) % all.length;
    choose(all[next]);
  }

  function open() {
    if (finder.open) return;
    document.querySelector("#nav:popover-open")?.hidePopover();
    finder.showModal();
    input.select();
    htmx.trigger(input, "finder");
  }

  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    }
  });
  // what is chosen was found for another text; Enter then leads to the page of the search
  input.addEventListener("input", () => choose(null));

  // An answer to what was typed a moment ago comes too late: it would push away what is being chosen from.
  found.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig.parameters.q !== input.value) event.detail.shouldSwap = false;
  });
  found.addEventListener("htmx:afterSwap", () => {
    const all = options();
    input.setAttribute("aria-expanded", String(all.length > 0));
    choose(input.value.trim() ? all[0] : null);
    document.getElementById("say").textContent = all.length === 1 ? "1 result" : `${all.length} results`;
  });
  found.addEventListener("click", () => finder.close());
  finder.addEventListener("close", () => input.setAttribute("aria-expanded", "false"));
  finder.addEventListener("click", (event) => { if (event.target === finder) finder.close(); });

  document.addEventListener("click", (event) => {
    const button = event.target.closest('[data-do="search"]');
    if (!button) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    open();
  });
})();
