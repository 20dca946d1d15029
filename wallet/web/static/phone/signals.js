/**
 * What can be heard, felt and kept awake while something is shown; all of it is extra to what can be read.
 * @module
 */

let quiet = false;
/** @type {AudioContext | null} */
let sound = null;
/** @type {WakeLockSentinel | null} */
let awake = null;
let wanted = false;

/** @param {boolean} on */
export function allowSound(on) {
  quiet = !on;
}

/** Two short notes and a buzz: a code was read, showing begins, showing is done. @param {"seen" | "begin" | "done"} what */
export function signal(what) {
  if (quiet) return;
  const notes = { seen: [880], begin: [660, 880], done: [880, 660] }[what];
  try {
    sound ??= new AudioContext();
    notes.forEach((pitch, at) => note(/** @type {AudioContext} */ (sound), pitch, at * 0.14));
  } catch {
    // a browser without sound
  }
  navigator.vibrate?.(what === "seen" ? 60 : [60, 60, 60]);
}

/** @param {AudioContext} context @param {number} pitch @param {number} after seconds */
function note(context, pitch, after) {
  const [tone, volume, at] = [context.createOscillator(), context.createGain(), context.currentTime + after];
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0.15, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + 0.12);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.13);
}

/** Keep the screen on until `letSleep`, where the browser can. */
export async function stayAwake() {
  wanted = true;
  try {
    awake = (await navigator.wakeLock?.request("screen")) ?? null;
  } catch {
    awake = null;
  }
  if (!wanted) letSleep();
}

export function letSleep() {
  wanted = false;
  void awake?.release().catch(() => undefined);
  awake = null;
}

document.addEventListener("visibilitychange", () => {
  if (wanted && document.visibilityState === "visible") void stayAwake();
});
