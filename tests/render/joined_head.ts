/** The text of a view without the line ends that a long head has. */
export function joinedHead(text: string): string {
  return text.replaceAll(" ·\n  ", " · ");
}
