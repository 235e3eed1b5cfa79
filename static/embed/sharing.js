// @ts-check
// The row of links to share an article: the article's own address and title in them, the reader's own Mastodon server,
// and the system's share sheet where the browser has one.

import { act, recall, remember } from "../../embed.js";

/** @typedef {import("../embed.js").CommentThreadElement} Thread */

const MASTODON = "mastodon.social";

/** @typedef {(button: HTMLElement, address: string, word: string) => Promise<void>} Copy */

/** @param {Thread} thread @param {ShadowRoot} root @param {Record<string, any>} strings @param {Copy} copied */
export function share(thread, root, strings, copied) {
  const row = root.querySelector(".share");
  if (!row || row.querySelector("button")) return;
  const { article = "" } = thread;
  const { title } = document;
  /** @type {Record<string, Record<string, string>>} */
  const wanted = {
    mastodon: { text: `${title} ${article}` },
    bluesky: { text: `${title} ${article}` },
    x: { text: title, url: article },
    facebook: { u: article },
  };
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (row.querySelectorAll("[data-share]"))) {
    const network = link.dataset.share ?? "";
    if (wanted[network]) link.search = String(new URLSearchParams(wanted[network]));
    if (network === "email") link.href = `mailto:?subject=${encodeURIComponent(title)}&body=${encodeURIComponent(article)}`;
    if (network === "mastodon") link.addEventListener("click", (event) => askServer(event, link, strings.server));
    if (network === "copy") link.replaceWith(act(row, "", link.textContent ?? "", (button) => copied(button, article, strings.copied)));
  }
  if (navigator.share) act(row, "", strings.sheet, () => navigator.share({ title, url: article }).catch(() => {}));
}

/** Nobody is led to a server they have no account at. @param {Event} event @param {HTMLAnchorElement} link @param {string} strings */
function askServer(event, link, strings) {
  event.preventDefault();
  const asked = link.parentElement?.querySelector("form");
  if (asked) return asked.querySelector("input")?.focus();
  const form = document.createElement("form");
  const field = Object.assign(document.createElement("input"), { value: recall().mastodon ?? "", placeholder: MASTODON, inputMode: "url" });
  field.setAttribute("aria-label", strings);
  form.append(field, Object.assign(document.createElement("button"), { textContent: link.textContent, className: "quiet" }));
  form.addEventListener("submit", (sent) => {
    sent.preventDefault();
    const server = hostOf(field.value || MASTODON);
    if (!server) return field.select();
    remember({ mastodon: server });
    const address = new URL(link.href);
    address.host = server;
    open(address, "_blank", "noopener");
    return form.remove();
  });
  link.after(form);
  return field.focus();
}

/** The server in `mastodon.social`, `@ada@mastodon.social` or `https://mastodon.social/@ada`. @param {string} typed */
function hostOf(typed) {
  const address = typed.trim().replace(/^@?[^@/]+@/, "");
  try {
    const { host } = new URL(address.includes("://") ? address : `https://${address}`);
    return host.includes(".") ? host : "";
  } catch {
    return "";
  }
}
