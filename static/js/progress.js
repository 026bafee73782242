// Cards that show how far some work is: the server writes the words, this asks for them again until it is over.
(() => {
  // more seldom when the server cannot answer
  async function follow(card, wait = 1000) {
    await new Promise((resolve) => { setTimeout(resolve, wait); });
    const answer = await fetch(card.dataset.progress).catch(() => null);
    if (!answer || !answer.ok) return follow(card, Math.min(wait * 2, 30000));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("[data-progress]");
    if (!next) return location.reload(); // signed out meanwhile
    card.replaceWith(next);
    if ("open" in next.dataset) return follow(next);
    if (next.closest("[data-reload]")) return location.reload(); // the page shows the outcome now
    const say = document.getElementById("say");
    if (say) say.textContent = next.textContent.trim();
  }

  for (const card of document.querySelectorAll("[data-progress][data-open]")) follow(card);
})();
