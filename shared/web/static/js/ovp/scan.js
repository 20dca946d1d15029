/**
 * Texts of QR codes from a camera, a picture or a paste, read on this machine alone.
 *
 *     const reader = await openReader();                     // zxing in WebAssembly, or `qr` where that is refused
 *     const camera = new Camera(video, reader, (texts) => …); // called with what is in each frame, often with nothing: []
 *     await camera.start();                                   // ScanError "denied" | "missing" | "busy" | "insecure"
 *     camera.stop();
 *     const texts = await readPicture(reader, file);          // ScanError "picture"
 *     const text = cleaned(pasted);
 *
 * The page has to allow `script-src 'wasm-unsafe-eval'` and `media-src blob:`; nothing is fetched but the reader beside this file.
 * @module
 */
import { PREFIX as FRAME } from "./frames.js";

/** @typedef {(image: ImageData) => Promise<string[]>} Read */
/** `name` says which one it is: "zxing" or "qr". @typedef {{name: string, read: Read}} Reader */

const VENDOR = new URL("../../vendor/", import.meta.url).href;
const MAX_SIDE = 4096;

/** `kind` is for the page's words: "denied", "missing", "busy", "insecure" or "picture". */
export class ScanError extends Error {
  /** @param {"denied" | "missing" | "busy" | "insecure" | "picture"} kind @param {unknown} [cause] */
  constructor(kind, cause) {
    super(kind, { cause });
    this.name = "ScanError";
    this.kind = kind;
  }
}

/** The best reader that this browser can run. @returns {Promise<Reader>} */
export async function openReader() {
  try {
    return { name: "zxing", read: await openZxing() };
  } catch {
    return { name: "qr", read: await openQr() };
  }
}

/** @returns {Promise<Read>} */
async function openZxing() {
  const zxing = await import(`${VENDOR}zxing/reader/index.js`);
  // Without this the package asks a server of its own for the module.
  await zxing.prepareZXingModule({ overrides: { locateFile: (/** @type {string} */ name) => `${VENDOR}zxing/${name}` }, fireImmediately: true });
  return async (image) => {
    /** @type {{isValid: boolean, text: string}[]} */
    const found = await zxing.readBarcodes(image, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 4 });
    return found.filter(({ isValid }) => isValid).map(({ text }) => text);
  };
}

/** @returns {Promise<Read>} */
async function openQr() {
  const { default: decodeQR } = await import(`${VENDOR}qr/decode.js`);
  return async (image) => {
    try {
      return [decodeQR(image)];
    } catch {
      return []; // there is no code in it, or none that can be read
    }
  };
}

/** A camera whose frames are read one after the other, as fast as the reader is. */
export class Camera {
  /** @param {HTMLVideoElement} video @param {Reader} reader @param {(texts: string[]) => void} seen */
  constructor(video, reader, seen) {
    this.video = video;
    this.reader = reader;
    this.seen = seen;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.canvas = document.createElement("canvas");
    /** Frames looked at since the start. */
    this.frames = 0;
  }

  /** `facing` is "environment" for codes on another screen, "user" for the camera over the own. @param {"environment" | "user"} [facing] */
  async start(facing = "environment") {
    this.stop();
    this.stream = await openCamera(facing);
    this.frames = 0;
    this.video.srcObject = this.stream;
    this.video.muted = true;
    this.video.playsInline = true;
    await this.video.play();
    this.next(this.stream);
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  /** @param {MediaStream} stream */
  next(stream) {
    const look = () => void this.look(stream);
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(look);
    else requestAnimationFrame(look);
  }

  /** @param {MediaStream} stream */
  async look(stream) {
    if (this.stream !== stream) return;
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth) {
      this.frames += 1;
      const texts = await this.reader.read(pixels(this.canvas, this.video, videoWidth, videoHeight));
      if (this.stream !== stream) return;
      this.seen(texts);
    }
    this.next(stream);
  }
}

/** @param {"environment" | "user"} facing */
async function openCamera(facing) {
  if (!navigator.mediaDevices) throw new ScanError("insecure");
  try {
    // A finer picture nearly doubles the distance at which a code can be read.
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: { ideal: facing }, width: { ideal: 1920 } } });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    throw new ScanError(name === "NotAllowedError" || name === "SecurityError" ? "denied" : name === "NotReadableError" ? "busy" : "missing", error);
  }
}

/** The texts of all codes in a picture. @param {Reader} reader @param {Blob} file @returns {Promise<string[]>} */
export async function readPicture(reader, file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch (error) {
    throw new ScanError("picture", error);
  }
  const shrink = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const image = pixels(document.createElement("canvas"), bitmap, Math.ceil(bitmap.width * shrink), Math.ceil(bitmap.height * shrink));
  bitmap.close();
  return reader.read(image);
}

/** @param {HTMLCanvasElement} canvas @param {CanvasImageSource} source @param {number} width @param {number} height */
function pixels(canvas, source, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true, alpha: false }));
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * A pasted or typed text, freed of what mail programs and scanners put around it. Spaces inside are part of base45; line breaks are not.
 * @param {string} text
 */
export const cleaned = (text) => text.replace(/[\r\n\t]+/g, "").trimStart().toUpperCase();

/** Whether a text is a frame of a loop, of which more are needed. @param {string} text */
export const isFrame = (text) => text.startsWith(FRAME);
