/** The one key that Cairn adds, per level; GoMLX skips it. */
export const EXTRAS_KEY = "Cairn";
