// What every page runs: the menu, drafts, uploads that show their progress, what is new, and passkeys.
// Pages work without all of them but the last.
import { askBeforeSending } from "./confirm.js";
import { foldMenu } from "./menu.js";
import { keepDrafts } from "./drafts.js";
import { showUploads } from "./upload.js";
import { watchDossier } from "./live.js";
import { useKeys } from "./keys.js";
import { usePasskeys } from "./passkeys.js";

foldMenu();
askBeforeSending();
usePasskeys();
keepDrafts();
showUploads();
watchDossier();
useKeys();
