// The page around a locked link: asks for the words, opens it here, and says plainly what it cannot tell. Text is set as text.

const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId("texts").textContent);
let language = texts[document.documentElement.lang] ? document.documentElement.lang : "en";
let opened = null;
let state = "";

/** What the address carries behind `#` leaves the address at once: it must not stay in a history or be passed on. */
function fromAddress() {
  const token = location.hash.slice(1);
  if (!token) return "";
  try {
    history.replaceState(null, "", location.href.slice(0, location.href.indexOf("#")));
  } catch {
    location.hash = "";
  }
  return findSealed(token);
}

const inAddress = fromAddress();
const sealed = findSealed(byId("sealed")?.textContent ?? "") || inAddress;
const addressee = addresseeOf(sealed);

const say = (name, gaps = {}) => texts[language][name].replace(/\{(\w+)\}/g, (whole, gap) => gaps[gap] ?? whole);
const moment = (at) => new Intl.DateTimeFormat(language === "cy" ? "cy-GB" : "en-GB", { dateStyle: "long", timeStyle: "short" }).format(at * 1000);

function line(parent, name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

/** Everything that is said, in the language that was chosen. */
function draw() {
  document.documentElement.lang = language;
  document.title = say("title");
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = say(place.dataset.text);
  for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === language));
  byId("draft").hidden = language === "en";
  byId("state").textContent = state ? say(state) : "";
  byId("state").hidden = !state;
  byId("words").setAttribute("aria-invalid", String(state === "shut"));
  byId("asking").hidden = opened !== null || addressee !== null || state === "none" || state === "unsafe";
  byId("keyed").hidden = addressee === null;
  if (addressee) {
    byId("keyed-for").textContent = say("for", { name: addressee.name[language] });
    byId("keyed-address").textContent = addressee.entity;
    byId("keyed-only").textContent = say("only", { name: addressee.name[language] });
  }
  byId("shown").hidden = opened === null;
  if (opened) show(opened);
}

function show(link) {
  const over = link.until * 1000 <= Date.now();
  byId("for").textContent = say("for", { name: link.name[language] });
  byId("address").textContent = JSON.parse(link.copy).aud.slice(2);
  byId("until").textContent = say(over ? "over" : "until", { moment: moment(link.until) });
  byId("until").className = over ? "warning" : "";
  byId("purpose").textContent = link.purpose[language] ? say("purpose", { purpose: link.purpose[language] }) : "";
  byId("kind").textContent = link.title[language];
  const rows = byId("rows");
  rows.replaceChildren();
  byId("details").hidden = over;
  if (over) return;
  for (const { label, value } of link.details) {
    const row = line(rows, "div", "");
    line(row, "dt", label[language]);
    line(row, "dd", value[language]);
  }
}

async function open(event) {
  event.preventDefault();
  const field = byId("words");
  if (!field.value.trim()) return void tell("enter", true);
  tell("opening", false);
  byId("open").disabled = true;
  opened = await openSealed(sealed, field.value);
  byId("open").disabled = false;
  field.value = "";
  tell(opened ? "" : "shut", !opened);
  if (opened) byId("for").focus();
}

function tell(name, again) {
  state = name;
  draw();
  if (again) byId("words").focus();
}

function close() {
  opened = null;
  byId("rows").replaceChildren();
  tell("", true);
}

function save() {
  const file = URL.createObjectURL(new Blob([opened.copy], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: file, download: "copy.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(file), 10_000);
}

// A link pasted into the address of this very page loads nothing by itself, and would stay there.
addEventListener("hashchange", () => location.hash.length > 1 && location.reload());
byId("form").addEventListener("submit", (event) => void open(event));
byId("close").addEventListener("click", close);
byId("save").addEventListener("click", save);
byId("print").addEventListener("click", () => print());
for (const button of document.querySelectorAll("[data-lang]")) {
  button.addEventListener("click", () => {
    language = button.dataset.lang;
    draw();
  });
}
if (sealedFor(sealed) === "") state = "none";
else if (!addressee && !globalThis.crypto?.subtle) state = "unsafe";
draw();
