// What a person hears and feels while reading codes, for those who look at the customer instead of the screen.
/** @typedef {"part" | "whole" | "accepted" | "rejected" | "undecided"} Signal */

/** @type {Record<Signal, {tones: [number, number][], buzz: number[]}>}  tones: hertz, seconds */
const SIGNALS = {
  part: { tones: [[880, 0.05]], buzz: [15] },
  whole: { tones: [[880, 0.07], [1320, 0.09]], buzz: [40] },
  accepted: { tones: [[660, 0.12], [990, 0.22]], buzz: [80] },
  rejected: { tones: [[220, 0.35], [180, 0.45]], buzz: [120, 80, 120, 80, 240] },
  undecided: { tones: [[440, 0.15], [440, 0.15]], buzz: [80, 80, 80] },
};

/** @type {AudioContext | null} */
let audio = null;

/** Browsers allow sound only after a touch or key: call this from one. */
export function wake() {
  try {
    audio ??= new AudioContext();
    void audio.resume();
  } catch {
    audio = null; // no sound device
  }
}

/** @param {Signal} name @param {{sound: boolean, buzz: boolean}} wanted */
export function signal(name, wanted) {
  const { tones, buzz } = SIGNALS[name];
  if (wanted.buzz && "vibrate" in navigator) navigator.vibrate(buzz);
  if (!wanted.sound || !audio || audio.state !== "running") return;
  let at = audio.currentTime;
  for (const [hertz, seconds] of tones) {
    const tone = audio.createOscillator();
    const level = audio.createGain();
    tone.frequency.value = hertz;
    level.gain.setValueAtTime(0.12, at);
    level.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(level).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}
