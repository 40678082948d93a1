// What every page runs: the menu, uploads that show their progress, the wait for a bundle, and passkeys. Pages work without the first three.
import { foldMenu } from "./menu.js";
import { showUploads } from "./upload.js";
import { watchBundle } from "./bundle.js";
import { usePasskeys } from "./passkeys.js";

foldMenu();
showUploads();
watchBundle();
usePasskeys();
