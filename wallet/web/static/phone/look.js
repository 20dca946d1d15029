/**
 * Reading a desk's square code: by camera, from a picture, or as text.
 * @module
 */
import { Reception, parseText } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";
import { Camera, ScanError, cleaned, openReader, readPicture } from "../js/ovp/scan.js";
import { find, right, say, show, typed, wrong } from "./view.js";

/** @typedef {import("../js/ovp/envelope.js").Received} Received */
/** What is done with a whole code. @typedef {(got: Received) => unknown} Then */

/** @param {Then} then @param {boolean} digits whether a code of ten digits would do as well */
export async function look(then, digits) {
  const reader = openReader();
  const reception = new Reception();
  /** @type {Camera | null} */
  let camera = null;
  let over = false;
  /** @param {string[]} texts @param {(() => void) | null} none @returns {Promise<unknown>} */
  const seen = async (texts, none) => {
    for (const text of texts) {
      const got = await reception.add(text).catch(() => null);
      if (got && !over) {
        over = true;
        return then(got);
      }
    }
    const [have, need] = reception.progress;
    if (have && current === root) find(root, "[data-text=progress]").textContent = say("scan_progress", { have, need });
    else none?.();
    return undefined;
  };
  const root = show("scan", {
    text: { progress: say("scan_starting") },
    when: { camera: true, digits },
    acts: { scan: () => look(then, digits), paste: () => paste(then) },
    leave: () => {
      over = true;
      camera?.stop();
    },
  });
  const current = root;
  pictures(root, async (file) => void (await seen(await readPicture(await reader, file), () => wrong("picture", say("no_code_in_picture")))));
  try {
    camera = new Camera(/** @type {HTMLVideoElement} */ (find(root, "video")), await reader, (texts) => void seen(texts, null));
    await camera.start();
    if (over) return camera.stop();
    find(root, "[data-text=progress]").textContent = say("scan_look");
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    if (!over) withoutCamera(then, digits, error.kind, reader);
  }
}

/** @param {Then} then @param {boolean} digits @param {string} why @param {Promise<import("../js/ovp/scan.js").Reader>} reader */
function withoutCamera(then, digits, why, reader) {
  const root = show("scan", { when: { [why]: true, digits }, acts: { scan: () => look(then, digits), paste: () => paste(then) } });
  /** @type {HTMLDetailsElement} */ (find(root, "[data-ways]")).open = true;
  pictures(root, async (file) => {
    for (const text of await readPicture(await reader, file)) if (await taken(then, text)) return;
    wrong("picture", say("no_code_in_picture"));
  });
}

/** @param {HTMLElement} root @param {(file: File) => Promise<void>} read */
function pictures(root, read) {
  const field = /** @type {HTMLInputElement} */ (find(root, "#picture"));
  field.addEventListener("change", async () => {
    right();
    const file = field.files?.[0];
    if (!file) return;
    try {
      await read(file);
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
      wrong("picture", say("no_code_in_picture"));
    }
  });
}

/** @param {Then} then */
async function paste(then) {
  right();
  if (!(await taken(then, cleaned(typed("pasted"))))) wrong("pasted", say("no_code_in_text"));
}

/** @param {Then} then @param {string} text @returns {Promise<boolean>} whether it is a code that was read on from */
async function taken(then, text) {
  let got;
  try {
    got = parseText(text);
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    return false;
  }
  await then(got);
  return true;
}
