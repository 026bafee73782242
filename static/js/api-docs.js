// The page of the API's documentation: Swagger UI over our own schema, with the session's CSRF token on what it sends.
"use strict";

const place = document.getElementById("api-docs");
const csrfToken = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";

const named = (element, role, label) => { element.setAttribute("role", role); element.setAttribute("aria-label", label); };

// What Swagger UI leaves out for who listens: its headings skip a level below the title, and parts have no name.
function mend() {
  for (const heading of place.querySelectorAll(":is(h3, h4, h5):not([aria-level])")) {
    heading.setAttribute("aria-level", Number(heading.tagName[1]) - 1);
  }
  for (const about of place.querySelectorAll(".information-container:not([role])")) named(about, "region", "About the API");
  for (const table of place.querySelectorAll(".responses-table:not([aria-label])")) {
    named(table, "region", `Responses of ${table.closest(".opblock").querySelector(".opblock-summary-path").textContent}`);
  }
}

new MutationObserver(mend).observe(place, { subtree: true, childList: true });

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: false, // its links would stand inside of buttons
  requestInterceptor: (request) => {
    if (new URL(request.url, location.href).origin === location.origin) request.headers["X-CSRFToken"] = csrfToken();
    return request;
  },
});
