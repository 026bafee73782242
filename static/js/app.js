// Small behaviours of every page. All of it is extra: the pages work without it.
(() => {
  const THEMES = ["system", "light", "dark"];
  const say = (text) => { document.getElementById("say").textContent = text; };

  function currentTheme() {
    return document.documentElement.dataset.theme || "system";
  }

  function showTheme() {
    for (const button of document.querySelectorAll('[data-do="theme"]')) {
      button.hidden = false;
      button.querySelector("[data-theme-name]").textContent = currentTheme();
    }
  }

  function switchTheme() {
    const next = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
    if (next === "system") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("theme");
    } else {
      document.documentElement.dataset.theme = next;
      localStorage.setItem("theme", next);
    }
    showTheme();
    say(`Theme: ${next}`);
  }

  // Outside https the clipboard is not offered: then the text is selected, ready to be copied by hand.
  async function copy(button) {
    const source = document.getElementById(button.dataset.target);
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(source.textContent);
      button.querySelector("[data-label]").textContent = "Copied";
      say("Copied");
    } else {
      getSelection().selectAllChildren(source);
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    if (button.dataset.do === "theme") switchTheme();
    if (button.dataset.do === "copy") copy(button);
  });

  // Empty fields are left out of the address, so that it stays short and readable.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    for (const input of event.target.querySelectorAll("input, select")) {
      if (!input.value && !input.disabled) {
        input.disabled = true;
        setTimeout(() => { input.disabled = false; });
      }
    }
  });

  // A control marked so applies at once; without script the form's own button does it.
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-apply]")) event.target.form.requestSubmit();
  });

  for (const button of document.querySelectorAll("[data-needs-script]")) button.hidden = false;
  showTheme();
})();
