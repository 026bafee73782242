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

  // A control marked so applies at once; without script the form's own button does it. Choosing a time range drops
  // the dates, choosing "From – to" waits for them, and typing a date chooses it.
  document.addEventListener("change", (event) => {
    const { target } = event;
    const range = target.form && target.form.querySelector("[data-dates]");
    const dates = range ? target.form.querySelectorAll('input[type="date"]') : [];
    if (target.type === "date" && range) range.value = "";
    if (target === range && !range.value) return dates[0].focus();
    if (target === range) for (const input of dates) input.value = "";
    if ("apply" in target.dataset) target.form.requestSubmit();
  });

  for (const button of document.querySelectorAll("[data-needs-script]")) button.hidden = false;
  showTheme();
})();
