// The upload page: dropping files, and sending them with real progress.
(() => {
  const form = document.getElementById("upload");
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

  function refuse(text) {
    const box = document.getElementById("refused");
    box.querySelector("p").textContent = text;
    box.hidden = false;
    document.getElementById("sending").hidden = true;
    form.querySelector(".primary").disabled = false;
    box.scrollIntoView({ block: "nearest" });
  }

  function showChosen(files) {
    const total = [...files].reduce((sum, file) => sum + file.size, 0);
    document.getElementById("chosen").textContent = `${[...files].map((file) => file.name).join(", ")}: ${megabytes(total)}`;
    return total;
  }

  function showSent(event, began) {
    const seconds = (Date.now() - began) / 1000;
    const left = Math.round(seconds * (event.total / event.loaded - 1));
    document.querySelector("#sending progress").value = (1000 * event.loaded) / event.total;
    document.getElementById("sent").textContent = `${megabytes(event.loaded)} of ${megabytes(event.total)}`;
    document.getElementById("send-left").textContent = event.loaded < event.total ? `About ${left} s left` : "Checking the files";
  }

  function send() {
    const request = new XMLHttpRequest();
    const began = Date.now();
    document.getElementById("sending").hidden = false;
    document.getElementById("refused").hidden = true;
    form.querySelector(".primary").disabled = true;
    request.upload.addEventListener("progress", (event) => showSent(event, began));
    request.addEventListener("error", () => refuse("The connection was lost while sending. Nothing was imported: send the files again."));
    request.addEventListener("abort", () => refuse("Cancelled. Nothing was imported."));
    request.addEventListener("load", () => {
      const answer = request.response || {};
      if (answer.next) location.assign(answer.next);
      else refuse(answer.error || `The server refused the files (status ${request.status}). Reload the page and send them again.`);
    });
    document.getElementById("cancel").onclick = () => request.abort();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.send(new FormData(form));
  }

  function watchForm() {
    const input = form.elements.files;
    const drop = document.getElementById("drop");
    input.addEventListener("change", () => showChosen(input.files));
    for (const name of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", name === "dragover");
      });
    }
    drop.addEventListener("drop", (event) => {
      input.files = event.dataTransfer.files;
      showChosen(input.files);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (showChosen(input.files) > Number(form.dataset.limit)) {
        refuse(`These files are larger than the ${form.dataset.limitText} that one upload may have. Send fewer at once, compress them, or use the command finops import.`);
      } else send();
    });
  }

  watchForm();
})();
