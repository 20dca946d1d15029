// Starts what a page needs. Every page works without it.
import { initAll } from "../vendor/govuk-frontend.js";
import { startCopying } from "./copy.js";
import { startPasskeys } from "./passkey.js";
import { startPolling } from "./poll.js";
import { startStaying } from "./stay.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
startCopying(document);
startPolling(document);
startPasskeys(document);
startStaying(document);
