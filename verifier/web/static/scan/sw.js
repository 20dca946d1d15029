// Keeps the checking page for times without a network. The service puts `const PLAN = {build, pages, files}` in front of this file.
// Nothing is kept but what PLAN names: no answer of the service, nothing that was shown. A new build is fetched whole or not at all.
/// <reference lib="webworker" />
/** @typedef {{build: string, pages: string[], files: string[]}} Plan */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const plan = /** @type {Plan} */ (/** @type {any} */ (PLAN));
const SHELF = `muniment-desk-${plan.build}`;
const CHOICE = "/desk/scan/language"; // not an address of the service: which language was chosen last
const HOME = "/desk/scan/";

worker.addEventListener("install", (event) => {
  event.waitUntil(keep()); // a page that is open goes on with the build that it began with
});

worker.addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(worker.skipWaiting()); // said by a page that has just begun
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === HOME) event.respondWith(page(url, request));
  } else if (url.pathname.startsWith("/static/") || url.pathname === `${HOME}app.webmanifest`) {
    event.respondWith(file(url, request));
  }
});

/** Everything or nothing; without credentials, because the page is the same for everybody. */
async function keep() {
  const shelf = await caches.open(SHELF);
  await shelf.addAll([...plan.files, ...plan.pages].map((address) => new Request(address, { cache: "reload", credentials: "omit" })));
}

async function tidy() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("muniment-desk-") && name !== SHELF && name !== "muniment-desk-choice");
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The page in the language that was asked for or chosen last. @param {URL} url @param {Request} request @returns {Promise<Response>} */
async function page(url, request) {
  const choices = await caches.open("muniment-desk-choice");
  const asked = known(url.searchParams.get("lang"));
  if (asked) await choices.put(CHOICE, new Response(asked));
  const before = asked ?? known(await (await choices.match(CHOICE))?.text()) ?? browserLanguage();
  const found = await (await caches.open(SHELF)).match(`${HOME}?lang=${before}`);
  return found ?? fetch(request);
}

/** A language that there is a page in: a link of somebody else's may ask for any. @param {string | null | undefined} tag */
const known = (tag) => plan.pages.map((address) => address.slice(-2)).find((each) => each === tag);

const browserLanguage = () => navigator.languages.map((tag) => known(tag.slice(0, 2))).find(Boolean) ?? "en";

/** A file of this build, else whatever the service has. @param {URL} url @param {Request} request @returns {Promise<Response>} */
async function file(url, request) {
  const found = await (await caches.open(SHELF)).match(url.href);
  return found ?? (await caches.match(url.href)) ?? fetch(request);
}
