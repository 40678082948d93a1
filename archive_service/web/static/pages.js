// What every page runs: uploads that show their progress, and the wait for a bundle. Pages work without it.
import { showUploads } from "./upload.js";
import { watchBundle } from "./bundle.js";

showUploads();
watchBundle();
