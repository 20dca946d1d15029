/** What the service puts in front of the service worker. */
declare const PLAN: { build: string; pages: string[]; files: string[] };
