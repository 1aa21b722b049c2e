/**
 * The plot: make the page, start it, and leave a window for tests to look through.
 */

import { probe } from "./probe.js";
import { Page } from "./page.js";
import { showWords } from "./page-words.js";

// First: a part may read what stands in the document.
showWords();
const page = new Page();
Object.defineProperty(window, "waitscope", { value: probe(page.timeline, page.overview, page.strip), writable: false });
await page.start();
