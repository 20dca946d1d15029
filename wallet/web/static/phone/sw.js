// The service worker of the wallet's page: it keeps one whole build and serves it without a network. The server puts the build's name
// and the list of addresses in front of this file, so that any change is another worker. A build is fetched whole before it is used,
// and takes over when the page says that nothing is being shown. Answers of the API are never kept.

/** @type {any} */
const worker = self;
/** @type {{build: string, keep: string[]}} */
const { build, keep } = worker.MUNIMENT;
const PREFIX = "muniment-phone-";
const CACHE = PREFIX + build;
const NOTES = "muniment-notes-phone";
const PAGE = "/phone/";
const LANGUAGE = "/phone/language";

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(fill()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(takeOver()));
worker.addEventListener("message", (/** @type {MessageEvent} */ event) => {
  if (event.data.type === "take-over") worker.skipWaiting();
  if (event.data.type === "language") caches.open(NOTES).then((notes) => notes.put(LANGUAGE, new Response(event.data.language)));
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") {
    if (url.pathname === PAGE) event.respondWith(page(url, event.request));
  } else if (keep.includes(url.pathname)) event.respondWith(kept(url.pathname, event.request));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    keep.map(async (address) => {
      const answer = await fetch(new Request(address, { credentials: "omit", cache: address.startsWith(PAGE) ? "reload" : "default" }));
      if (!answer.ok || answer.redirected) throw new Error(`${address} is not there`);
      if (address.includes("?lang=") && !(await answer.clone().text()).includes(build)) throw new Error("the page is of another build");
      await cache.put(address, answer);
    }),
  );
}

async function takeOver() {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await worker.clients.claim();
}

/** @param {URL} url @param {Request} request */
async function page(url, request) {
  const noted = await (await caches.open(NOTES)).match(LANGUAGE);
  const wanted = url.searchParams.get("lang") ?? (noted ? await noted.text() : navigator.language.slice(0, 2));
  const address = `${PAGE}?lang=${wanted}`;
  return kept(keep.includes(address) ? address : keep[0], request);
}

/** @param {string} address @param {Request} request */
async function kept(address, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(address, { ignoreVary: true })) ?? fetch(request);
}
