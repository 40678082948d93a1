// A failure that was put into the page's own words: what browsers say of theirs is English and helps nobody.

/** An error whose message may be shown. */
export class Said extends Error {}

/** The words of a failure, or other ones when it is the browser's own. */
export function wordsOf(error, otherwise) {
  return error instanceof Said ? error.message : otherwise;
}
