const COMMENT_CHARACTERS_MAX = 255;

/** The header that carries the comment of a change; HTTP allows it Latin-1 only, other characters become `?`. */
export function commentHeader(comment: string): { "X-Comment"?: string } {
  const text = [...comment.trim()]
    .map((character) => ((character.codePointAt(0) ?? 0) < 0x100 ? character : "?"))
    .join("")
    .slice(0, COMMENT_CHARACTERS_MAX);
  return text === "" ? {} : { "X-Comment": text };
}
