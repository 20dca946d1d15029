// The part of the page that reads codes: camera, picture, file, pasted text and typing scanner all bring texts; loops of codes are put
// together; whoever asked gets one whole message. Progress is seen, heard and read out.
import { Reception } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";
import { Camera, cleaned, openReader, readPicture, ScanError } from "../js/ovp/scan.js";
import { findSealed } from "../js/ovp/sealed.js";
import { alarm, fill, piece, say, tell } from "./page.js";
import { signal, wake } from "./signals.js";
import { listen } from "./wedge.js";

/** @typedef {import("../js/ovp/envelope.js").Received} Message */
/** @typedef {{pictures: number, seconds: number, parts: number, size: string, reader: string}} Figures */
/** @typedef {{sound: boolean, buzz: boolean}} Wanted */

const OURS = /^OV[A-Z]1:/;
const FILE = 12_500_000;

export class Reader {
  /**
   * @param {HTMLElement} root what the macro `scanner` made
   * @param {{wanted: Wanted, message: (message: Message, figures: Figures) => void, file: (text: string) => void, sealed: (token: string) => void}} how
   */
  constructor(root, how) {
    this._root = root;
    this._how = how;
    this._reception = new Reception();
    /** @type {Camera | null} */
    this._camera = null;
    this._begun = 0;
    this._before = 0;
    this._have = 0;
    this._done = false;
    /** @type {import("../js/ovp/scan.js").Reader | null} */
    this._eye = null;
    this._deaf = listen((text) => void this.text(text));
  }

  /** Ends camera and typing scanner; nothing that was read stays. */
  close() {
    this._done = true;
    this._deaf();
    this._camera?.stop();
    this._camera = null;
    this._reception = new Reception();
  }

  /** Whether the camera may be started without asking anybody. @returns {Promise<boolean>} */
  static async allowed() {
    try {
      const state = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("camera") });
      return state.state === "granted";
    } catch {
      return false;
    }
  }

  async start() {
    wake();
    if (this._camera || this._done) return undefined;
    this._camera = new Camera(/** @type {HTMLVideoElement} */ (piece(this._root, "video")), await this._open(), (texts) => this._seen(texts));
    piece(this._root, "camera").hidden = false; // browsers give no pictures of what is not shown
    try {
      await this._camera.start();
    } catch (error) {
      if (this._done) return undefined; // the view was left while the camera began
      this._camera = null;
      piece(this._root, "camera").hidden = true;
      if (!(error instanceof ScanError)) throw error;
      return this._note(TROUBLE[error.kind]);
    }
    if (this._done) return this._camera.stop();
    /** @type {HTMLElement} */ (this._root.querySelector("[data-on=camera]")).hidden = true;
    this._begun = performance.now();
    piece(this._root, "note").hidden = true;
    if (this._eye?.name === "qr") return this._note("nowasm");
    return tell(say("reading"));
  }

  async _open() {
    this._eye ??= await openReader();
    return this._eye;
  }

  /** What one picture of the camera held. @param {string[]} texts */
  _seen(texts) {
    for (const text of texts) void this.text(text);
  }

  /** One text, wherever it came from. @param {string} text */
  async text(text) {
    if (this._done) return;
    if (text.trimStart().startsWith("{")) return this._how.file(text);
    const sealed = findSealed(text);
    if (sealed) return this._how.sealed(sealed);
    const trimmed = cleaned(text);
    if (trimmed === "") return;
    if (!OURS.test(trimmed)) return this._note("other");
    try {
      const message = await this._reception.add(trimmed);
      const [have, need] = this._reception.progress;
      if (have !== this._have) this._progress(have, need);
      if (message && !this._done) this._whole(message);
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
      this._note("other");
    }
  }

  /** @param {number} have @param {number} need */
  _progress(have, need) {
    this._have = have;
    const bar = /** @type {HTMLProgressElement} */ (piece(this._root, "bar"));
    piece(this._root, "progress").hidden = false;
    piece(this._root, "note").hidden = true;
    bar.max = need;
    bar.value = have;
    const text = say("have", { have, need });
    fill(this._root, { progress: text });
    tell(text);
    signal("part", this._how.wanted);
  }

  /** @param {Message} message */
  _whole(message) {
    const [, need] = this._reception.progress;
    signal("whole", this._how.wanted);
    tell(say("read"));
    this._how.message(message, {
      pictures: (this._camera?.frames ?? 0) - this._before,
      seconds: this._begun ? (performance.now() - this._begun) / 1000 : 0,
      parts: need || 1,
      size: this._size(),
      reader: this._eye?.name ?? "",
    });
    this._reception = new Reception();
    this._have = 0;
    this._before = this._camera?.frames ?? 0;
    this._begun &&= performance.now();
  }

  _size() {
    const { videoWidth, videoHeight } = this._camera?.video ?? { videoWidth: 0, videoHeight: 0 };
    return videoWidth ? `${videoWidth} × ${videoHeight}` : "";
  }

  /** A picture or a file that somebody chose. @param {File} file */
  async file(file) {
    wake();
    if (file.size > FILE * 2) return this._note("nocode");
    if (!file.type.startsWith("image/")) {
      const text = await file.slice(0, FILE).text();
      return this.text(text);
    }
    const texts = await readPicture(await this._open(), file).catch(() => []);
    if (!texts.length) return this._note("nocode");
    for (const text of texts) await this.text(text);
  }

  paste() {
    wake();
    const field = /** @type {HTMLTextAreaElement} */ (piece(this._root, "paste"));
    const text = field.value;
    field.value = "";
    void this.text(text);
  }

  /** Something to say beside the camera. @param {string} name */
  note(name) {
    piece(this._root, "progress").hidden = true;
    this._note(name);
  }

  /** @param {string} name */
  _note(name) {
    const text = say(name);
    const place = piece(this._root, "note");
    if (!place.hidden && place.textContent?.trim() === text) return;
    place.hidden = false;
    fill(this._root, { note: text });
    alarm(text);
  }
}

/** Why there is no camera, as a sentence of the page. @type {Record<ScanError["kind"], string>} */
const TROUBLE = { denied: "denied", missing: "nocamera", busy: "busycamera", insecure: "warnhttp", picture: "nocode" };
