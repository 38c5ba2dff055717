// Shows the newest change of a live screen.
"use strict";
for (const line of document.querySelectorAll("[data-live]")) {
  const changes = new EventSource(line.dataset.live);
  changes.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    line.textContent = change.at + ": " + change.values.join(", ");
  });
}
