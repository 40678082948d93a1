// What every page runs: the menu, drafts, uploads that show their progress, what is new, the wait for a bundle, and passkeys.
// Pages work without all of them but the last.
import { foldMenu } from "./menu.js";
import { keepDrafts } from "./drafts.js";
import { showUploads } from "./upload.js";
import { watchBundle } from "./bundle.js";
import { watchDossier } from "./live.js";
import { useKeys } from "./keys.js";
import { usePasskeys } from "./passkeys.js";

foldMenu();
keepDrafts();
showUploads();
watchBundle();
watchDossier();
useKeys();
usePasskeys();
