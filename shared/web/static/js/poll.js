// Live state: <div data-poll="/state" data-poll-seconds="2" data-poll-state="waiting">…<p role="status" data-poll-text>Waiting…</p></div>
// The address answers {"state": "…", "text": "…", "href": "…"}. A new text is read out; an href is gone to; a state named in
// data-poll-until (space-separated) ends the asking, which keeps nobody signed in. Without JavaScript the page offers a link to look again.
export function startPolling(root) {
  for (const place of root.querySelectorAll("[data-poll]")) poll(place);
}

function poll(place) {
  const text = place.querySelector("[data-poll-text]");
  const ends = (place.dataset.pollUntil ?? "").split(" ");
  const usual = Math.max(1, Number(place.dataset.pollSeconds ?? 2)) * 1000;
  let wait = usual;
  for (const again of place.querySelectorAll("[data-poll-without]")) again.hidden = true;
  const ask = async () => {
    if (document.hidden) return setTimeout(ask, usual);
    try {
      const answer = await fetch(place.dataset.poll, { headers: { accept: "application/json", "muniment-waiting": "1" }, cache: "no-store" });
      if ([401, 404, 410].includes(answer.status)) return location.reload(); // signed out, or gone: the page itself says what to do
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      wait = usual;
      if (now.href) return location.assign(now.href);
      if (now.text && text && text.textContent !== now.text) text.textContent = now.text;
      if (now.state) place.dataset.pollState = now.state;
      if (ends.includes(now.state)) return undefined;
    } catch {
      wait = Math.min(wait * 2, 30_000);
    }
    return setTimeout(ask, wait);
  };
  setTimeout(ask, usual);
}
