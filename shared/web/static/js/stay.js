// Before somebody is signed out for doing nothing, a banner says so and offers to stay (WCAG 2.2, 2.2.1):
//   <section data-stay="/signed-in" data-stay-seconds="1800" role="alert" hidden>
//     <p data-stay-soon>…<form data-stay-more>…</form> <p data-stay-last>… <p data-stay-over>…
// No page keeps her in by itself. The address is asked how long is left, which extends nothing, before the banner warns and before it says
// that the time is over: other tabs may have been used meanwhile, and timers stand still while a machine sleeps.
const WARNING = 120; // seconds
const SHORTEST = 20; // seconds to press one button in

export function startStaying(root) {
  for (const place of root.querySelectorAll("[data-stay]")) stay(place);
}

function stay(place) {
  const parts = ["soon", "last", "over"].map((name) => place.querySelector(`[data-stay-${name}]`));
  const [soon, last, over] = parts;
  const more = place.querySelector("[data-stay-more]");
  let warning = SHORTEST, expected = 0, before = null, timer = 0;

  const show = (part) => {
    if (place.hidden) before = document.activeElement; // where somebody was, to go back there from the button
    for (const each of parts) each.hidden = each !== part;
    more.hidden = part !== soon;
    place.hidden = false;
  };
  const hide = () => {
    const inside = place.contains(document.activeElement);
    place.hidden = true;
    if (inside) before?.focus();
  };
  const wait = (seconds, left) => {
    expected = left;
    clearTimeout(timer);
    timer = setTimeout(look, seconds * 1000);
  };
  const plan = (left) => {
    warning = Math.max(warning, Math.min(WARNING, Math.floor(left / 2))); // where little time is given in all, half of it
    hide();
    wait(Math.max(0, left - warning), warning);
  };
  const look = async () => {
    const left = (await ask(place.dataset.stay)) ?? expected; // without an answer, by our own reckoning
    if (left > warning) return plan(left);
    if (left <= 0) return show(over);
    if (place.hidden) show(soon);
    return wait(left, 0);
  };

  more.addEventListener("submit", async (event) => {
    event.preventDefault();
    const left = await ask(place.dataset.stay, { method: "POST", body: new URLSearchParams(new FormData(more)) });
    if (left === 0) return show(over);
    if (left > warning) return plan(left);
    return left === undefined ? undefined : show(last);
  });
  plan(Number(place.dataset.staySeconds));
}

// Seconds left, 0 if nobody is signed in any more, undefined if nobody answers.
async function ask(address, how = {}) {
  try {
    const answer = await fetch(address, { ...how, headers: { accept: "application/json" }, cache: "no-store" });
    if ([401, 403].includes(answer.status)) return 0;
    return answer.ok ? (await answer.json()).seconds : undefined;
  } catch {
    return undefined;
  }
}
