// Shows the newest change of a live screen: told by events, or over a WebSocket.
"use strict";
function show(line, told) {
  const change = JSON.parse(told);
  line.textContent = change.at + ": " + change.values.join(", ");
}
for (const line of document.querySelectorAll("[data-live]")) {
  const changes = new EventSource(line.dataset.live);
  changes.addEventListener("change", (event) => show(line, event.data));
}
for (const line of document.querySelectorAll("[data-live-socket]")) {
  const changes = new WebSocket(location.origin.replace(/^http/, "ws") + line.dataset.liveSocket);
  changes.addEventListener("message", (event) => show(line, event.data));
  changes.addEventListener("close", (event) => {
    line.textContent = "No more changes (" + event.code + ").";
  });
}
