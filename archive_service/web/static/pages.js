// What every page runs: uploads that show their progress, the wait for a bundle, and passkeys. Pages work without the first two.
import { showUploads } from "./upload.js";
import { watchBundle } from "./bundle.js";
import { usePasskeys } from "./passkeys.js";

showUploads();
watchBundle();
usePasskeys();
