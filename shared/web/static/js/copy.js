// "Copy" buttons: <button type="button" data-copy="#id-of-the-text" data-copied="Copied" hidden>Copy</button>
export function startCopying(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button[data-copy]")) {
    const source = root.querySelector(button.dataset.copy);
    if (!source) continue;
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
        button.textContent = button.dataset.copied;
      } catch {
        button.textContent = button.dataset.failed ?? label;
      }
      setTimeout(() => { button.textContent = label; }, 4000);
    });
  }
}
