// A hand scanner that types (keyboard wedge): keys that begin with one of our prefixes and end with Enter, wherever the focus is. Nobody
// types that by hand, so a person's own keys are left alone.
const PREFIX = /^OV[A-Z]1:/;
const PAUSE = 2_000; // milliseconds between two keys of one burst, at most: a busy machine hands keys over late
const LONGEST = 4_400;

/**
 * Listen for scanned texts until the returned function is called.
 * @param {(text: string) => void} heard
 * @returns {() => void}
 */
export function listen(heard) {
  let burst = "";
  let last = 0;

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.timeStamp - last > PAUSE) burst = "";
    last = event.timeStamp;
    if (event.key === "Enter") {
      const text = burst;
      burst = "";
      if (!PREFIX.test(text)) return;
      event.preventDefault();
      event.stopPropagation();
      heard(text);
    } else if (event.key.length === 1 && burst.length < LONGEST) {
      burst += event.key;
      if (PREFIX.test(burst)) event.preventDefault(); // from the sixth key on, nothing else gets to see it
    }
  }

  /** A button in focus acts when Space is let go: not for a scanner's. @param {KeyboardEvent} event */
  function up(event) {
    if (PREFIX.test(burst)) event.preventDefault();
  }

  addEventListener("keydown", key, true);
  addEventListener("keyup", up, true);
  return () => {
    removeEventListener("keydown", key, true);
    removeEventListener("keyup", up, true);
  };
}
